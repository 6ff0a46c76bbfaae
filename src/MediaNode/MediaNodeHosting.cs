using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.Hosting.OpenApi;
using VoiceCluster.MediaNode.Admin;
using VoiceCluster.MediaNode.Control;
using VoiceCluster.MediaNode.Io;
using VoiceCluster.MediaNode.Metrics;
using VoiceCluster.MediaNode.Recording;

namespace VoiceCluster.MediaNode;

/// <summary>Adds a media node to a process.</summary>
public static class MediaNodeHosting
{
    /// <summary>Adds the media node with the builder's configuration; the process needs an IClusterClient.</summary>
    public static TBuilder AddMediaNode<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddMediaNode(builder.Configuration);
        return builder;
    }

    /// <summary>
    /// Adds the media node with its section of a configuration; Kestrel listens on Media:HttpPort besides its other ports. Hosted services start in the order of their adding and
    /// stop in the reverse: ports first, then the fleet; at the end the node leaves the fleet before its ports close.
    /// </summary>
    public static IServiceCollection AddMediaNode(this IServiceCollection services, IConfiguration configuration)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<MediaNodeOptions>().Bind(configuration.GetSection(MediaNodeOptions.Section))
            .Configure(media => media.ControlUrl = configuration["MEDIA_SERVER_URL"] is { Length: > 0 } url ? url : media.ControlUrl)
            .ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MediaNodeOptions>, MediaNodeOptionsValidator>());
        services.AddOptions<RelayOptions>().Bind(configuration.GetSection(RelayOptions.Section)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RelayOptions>, RelayOptionsValidator>());
        services.AddPrometheus();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<MediaNodeOptions>>(static (kestrel, media) =>
            kestrel.Listen(IPAddress.Parse(media.Value.HttpBind), media.Value.HttpPort));
        services.AddSingleton<MonotonicClock>();
        services.AddSingleton<MediaNodeRuntime>();
        services.AddSingleton<MediaNodeIdentity>();
        services.AddSingleton<MediaMetrics>();
        services.AddSingleton<IScrapeSource>(static s => s.GetRequiredService<MediaMetrics>());
        services.TryAddSingleton<IRoomReportSink, GrainReportSink>();
        services.AddSingleton<RoomReports>();
        services.AddRecordings(configuration);
        services.AddSingleton<MediaNodeControl>();
        services.AddAdmin();
        services.AddSingleton<FleetMembership>();
        services.AddSingleton<IReadiness>(static s => s.GetRequiredService<FleetMembership>());
        services.AddHostedService(static s => s.GetRequiredService<MediaNodeRuntime>());
        services.AddHostedService(static s => s.GetRequiredService<RecordingReports>());
        services.AddHostedService(static s => s.GetRequiredService<RecordingWriter>());
        services.AddHostedService(static s => s.GetRequiredService<RoomReports>());
        services.AddHostedService(static s => s.GetRequiredService<FleetMembership>());
        return services;
    }

    /// <summary>Maps GET /media: what clients see of this node, for an operator who wonders why nobody connects.</summary>
    public static IEndpointRouteBuilder MapMediaNode(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/media", static (MediaNodeRuntime runtime, MediaNodeControl control) => TypedResults.Json(new
        {
            announced = runtime.Announced?.ToString(),
            rooms = control.RoomCount,
            workers = runtime.Workers.Select(w => new
            {
                index = w.Index,
                listens = w.Socket.LocalEndPoint.ToString(),
                alive = w.IsAlive,
                busy = Math.Round(w.BusyRatio, 4),
                transports = w.Worker.Stats.Transports,
                producers = w.Worker.Stats.Producers,
                consumers = w.Worker.Stats.Consumers,
                pipes = w.Worker.Stats.Pipes,
                workerPipes = w.Worker.Stats.WorkerPipes,
            }),
        })).AllowAnonymous().WithDocs(MediaNodeDocs.Media);
        endpoints.MapRecordings();
        endpoints.MapAdmin();
        return endpoints;
    }
}
