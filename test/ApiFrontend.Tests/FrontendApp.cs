using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.SocketIo;
using VoiceCluster.ApiFrontend.Tests.Rooms;

namespace VoiceCluster.ApiFrontend.Tests;

/// <summary>The whole frontend on a free port, over rooms in memory, with a namespace <c>/echo</c> beside the doors.</summary>
internal sealed class FrontendApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FrontendApp(WebApplication app, FakeRooms rooms)
    {
        _app = app;
        Rooms = rooms;
        Addresses = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a))];
        Http = new HttpClient { BaseAddress = Address };
    }

    public FakeRooms Rooms { get; }

    public Uri[] Addresses { get; }

    public Uri Address => Addresses[0];

    public HttpClient Http { get; }

    public SocketIoServer Sockets => _app.Services.GetRequiredService<SocketIoServer>();

    public RoomLeases Leases => _app.Services.GetRequiredService<RoomLeases>();

    /// <summary>Settings come as <c>Section:Key=value</c>.</summary>
    public static Task<FrontendApp> StartAsync(params string[] settings) => StartAsync(TimeProvider.System, settings);

    public static Task<FrontendApp> StartAsync(TimeProvider time, params string[] settings) => StartAsync(time, new FakeRooms(), settings);

    /// <summary>One of several frontends over the same rooms.</summary>
    public static Task<FrontendApp> StartAsync(FakeRooms rooms, params string[] settings) => StartAsync(TimeProvider.System, rooms, settings);

    private static async Task<FrontendApp> StartAsync(TimeProvider time, FakeRooms rooms, string[] settings)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(
            settings.Prepend("Http:DrainDelay=00:00:00").Prepend("Http:Ports=0").Prepend("Auth:Mode=Open").Select(s => s.Split('=', 2)).GroupBy(s => s[0]).ToDictionary(g => g.Key, g => (string?)g.Last()[1]));
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseKestrelCore();
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton<IRoomAccess>(rooms);
        builder.AddApiFrontend();
        WebApplication app = builder.Build();
        app.MapApiFrontend();
        EchoNamespace.Map(app.Services.GetRequiredService<SocketIoServer>());
        await app.StartAsync();
        return new FrontendApp(app, rooms);
    }

    /// <summary>Stops it as SIGTERM does.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>Answers what it gets; some events do more, as their names say.</summary>
internal static class EchoNamespace
{
    public static void Map(SocketIoServer server)
    {
        server.Of("/").OnConnection(Serve);
        server.Of("/echo").OnConnection(Serve);
        server.Of("/closed").Use(static handshake => ValueTask.FromResult<string?>(
            handshake.Auth.ValueKind == System.Text.Json.JsonValueKind.Object
                && handshake.Auth.TryGetProperty("token", out var token) && token.GetString() == "let me in" ? null : "No entry"));
    }

    private static void Serve(SocketIoSocket socket)
    {
        socket.On("echo", r =>
        {
            r.Ack(r.Payload);
            return Task.CompletedTask;
        });
        socket.On("send-back", r =>
        {
            r.Socket.Emit("sent-back", r.Payload);
            return Task.CompletedTask;
        });
        socket.On("ask-me", r =>
        {
            // Not awaited: the answer comes through the same queue of events.
            _ = AskAsync(r);
            return Task.CompletedTask;
        });
        socket.On("kick-me", r =>
        {
            r.Socket.Disconnect();
            return Task.CompletedTask;
        });
        socket.On("hang", _ => new TaskCompletionSource().Task);
        socket.On("fail", _ => throw new InvalidOperationException("A handler's bug."));
        socket.On("flood", r =>
        {
            for (int i = 0; i < 100_000 && r.Socket.Emit("flood", r.Payload, isVolatile: true); i++)
            {
            }

            return Task.CompletedTask;
        });
    }

    private static async Task AskAsync(SocketIoRequest request)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        SocketIoPayload answer = await request.Socket.EmitWithAckAsync("question", request.Payload, limit.Token);
        request.Ack(answer);
    }
}
