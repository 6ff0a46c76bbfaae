using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events.Tests.Inbound;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;

namespace VoiceCluster.Events.Tests.Outbox;

/// <summary>A process' bridge as hosts make it, over a store of the test.</summary>
internal sealed class Bridge : IAsyncDisposable
{
    private readonly IHost _host;
    private bool _isStopped;

    private Bridge(IHost host) => _host = host;

    public IEventPublisher Publisher => _host.Services.GetRequiredService<IEventPublisher>();

    public OutboxSignal Signal => _host.Services.GetRequiredService<OutboxSignal>();

    public IReadiness Readiness => Assert.Single(_host.Services.GetServices<IReadiness>());

    public RecordingCluster Cluster { get; private init; } = null!;

    /// <summary>The process' metrics as Prometheus reads them. Meters are the process' own: compare before and after.</summary>
    public PrometheusExporter Metrics => _host.Services.GetRequiredService<PrometheusExporter>();

    public static async Task<Bridge> StartAsync(string natsUrl, IOutboxStore store, params (string Name, string Value)[] settings)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(
        [
            new("NATS_URL", natsUrl),
            new("Events:MaxRetryDelay", "00:00:00.5"),
            .. settings.Select(s => new KeyValuePair<string, string?>(s.Name, s.Value)),
        ]);
        var cluster = new RecordingCluster();
        builder.Services.AddSingleton(store);
        builder.Services.AddSingleton<IExternalEvents>(cluster);
        builder.Services.AddPrometheus();
        builder.AddEventBridge();
        var bridge = new Bridge(builder.Build()) { Cluster = cluster };
        await bridge._host.StartAsync();
        return bridge;
    }

    public async Task IsUpAsync() =>
        await Eventually.TrueAsync(() => Readiness.Check() == ReadinessState.Ready, "the bridge is connected");

    public async Task StopAsync()
    {
        if (!_isStopped)
        {
            _isStopped = true;
            await _host.StopAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _host.Dispose();
    }
}
