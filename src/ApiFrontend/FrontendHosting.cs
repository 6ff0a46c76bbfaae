using System.Net;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Doors.Calls;
using VoiceCluster.ApiFrontend.Doors.Channels;
using VoiceCluster.ApiFrontend.Doors.Mediasoup;
using VoiceCluster.ApiFrontend.Doors.Peers;
using VoiceCluster.ApiFrontend.Doors.Voice;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.ApiFrontend.Ice;
using VoiceCluster.ApiFrontend.Limits;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.SocketIo;
using VoiceCluster.ApiFrontend.SocketIo.Engine;
using VoiceCluster.ApiFrontend.Stopping;
using VoiceCluster.Hosting;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend;

/// <summary>Adds the doors to a process.</summary>
public static class FrontendHosting
{
    /// <summary>Where Socket.IO clients look by default.</summary>
    public const string SocketIoPath = "/socket.io";

    /// <summary>Registers the doors and lets Kestrel listen as <see cref="HttpOptions"/> says.</summary>
    public static WebApplicationBuilder AddApiFrontend(this WebApplicationBuilder builder, AuthDefaults auth = AuthDefaults.Server)
    {
        IServiceCollection services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<HttpOptions>()
            .Configure(http => http.CorsOrigins = auth == AuthDefaults.Standalone ? HttpOptions.Localhost : http.CorsOrigins)
            .Bind(builder.Configuration.GetSection(HttpOptions.Section))
            .Configure(http => http.Ports = builder.Configuration["PORT"] is { Length: > 0 } port ? port : http.Ports)
            .ValidateOnStart();
        services.AddOptions<SocketIoOptions>().Bind(builder.Configuration.GetSection("SocketIo")).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<HttpOptions>, HttpOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<SocketIoOptions>, SocketIoOptionsValidator>());
        services.AddVoiceAuth(builder.Configuration, auth);
        services.AddSingleton(new FrontendSite(IsAlone: auth == AuthDefaults.Standalone));
        services.AddSingleton<FrontendMetrics>();
        services.AddSingleton<SocketIoServer>();
        services.TryAddSingleton<IRoomAccess, ClusterRoomAccess>();
        services.TryAddSingleton<RoomEntry>();
        services.AddSingleton<RoomLeases>();
        services.AddHostedService(provider => provider.GetRequiredService<RoomLeases>());
        services.AddSingleton<MediasoupMembers>();
        services.AddSingleton<MediasoupGate>();
        services.AddSingleton<MediasoupDoor>();
        services.AddIceServers(builder.Configuration);
        services.AddCalls();
        services.AddVoice();
        services.AddChannels(builder.Configuration);
        services.TryAddSingleton(_ => ClusterKey.Of(builder.Configuration));
        services.AddPeers();
        services.AddSingleton<ISaysGoodbye>(static s => s.GetRequiredService<SocketIoServer>());
        services.AddFrontendDrain();
        services.AddCors();
        services.AddRouting();
        builder.WebHost.ConfigureKestrel((context, kestrel) =>
        {
            // Kestrel is made before the host starts and reads its options here: name all faults now, not only those of HttpOptions.
            kestrel.ApplicationServices.GetService<IStartupValidator>()?.Validate();
            kestrel.AddServerHeader = false;
            HttpOptions http = kestrel.ApplicationServices.GetRequiredService<IOptions<HttpOptions>>().Value;

            // RequestGuard holds bodies to MaxBodyBytes; what Kestrel adds is only read to be thrown away.
            kestrel.Limits.MaxRequestBodySize = http.MaxBodyBytes + LimitedBody.MaxDrained;
            kestrel.CutOffAfterStop(http.StopTimeout);
            if (HttpOptions.TryReadPorts(http.Ports, out int[] ports))
            {
                foreach (int port in ports)
                {
                    kestrel.Listen(IPAddress.Parse(http.Bind), port);
                }
            }
        });
        return builder;
    }

    /// <summary>Maps the doors and the page.</summary>
    public static WebApplication MapApiFrontend(this WebApplication app)
    {
        var origins = new Origins(app.Services.GetRequiredService<IOptions<HttpOptions>>().Value.CorsOrigins);
        app.UseTrustedProxies();
        app.UseMiddleware<RequestGuard>();
        app.UseCors(cors => cors
            .SetIsOriginAllowed(origins.IsAllowed)
            .AllowAnyMethod()
            .AllowAnyHeader()
            .AllowCredentials());
        app.UseWebSockets();
        app.Use((context, next) => context.WebSockets.IsWebSocketRequest && !origins.MayOpenSocket(context.Request)
            ? EngineError.Forbidden.WriteAsync(context)
            : next(context));
        app.UseVoiceAuth();
        app.UsePage();
        app.MapVoiceAuth();
        app.MapCalls();
        app.MapVoice();
        app.MapChannels();
        app.MapPeers();
        app.MapOpenApi().AllowAnonymous();

        // A Socket.IO client shows its token in the handshake of a namespace, which judges it.
        app.MapSocketIo(SocketIoPath, app.Services.GetRequiredService<MediasoupDoor>().Map).AllowAnonymous().ExcludeFromDescription();
        return app;
    }
}
