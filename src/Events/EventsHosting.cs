using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events.Inbound;
using VoiceCluster.Events.Nats;
using VoiceCluster.Events.Outbox;
using VoiceCluster.Hosting.Health;

namespace VoiceCluster.Events;

/// <summary>Adds the bridge to NATS to a process with an <see cref="IOutboxStore"/>.</summary>
public static class EventsHosting
{
    /// <summary>
    /// Adds the bridge when <c>NATS_URL</c> is set; else events go nowhere, unless <c>Events:Keep</c> says that the outbox
    /// keeps them for a bridge to come. To be called before the grains' host is added: what is added first stops last, and
    /// grains tell of events until they have stopped.
    /// </summary>
    public static TBuilder AddEventBridge<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        var url = builder.Configuration[EventsOptions.UrlSetting];
        if (string.IsNullOrWhiteSpace(url))
        {
            services.TryAddSingleton<IEventPublisher>(NoEvents.Instance);
            if (builder.Configuration.GetSection(EventsOptions.Section)["Keep"] is { } keep && bool.TryParse(keep, out var keeps) && keeps)
            {
                services.TryAddSingleton<OutboxSignal>();
            }

            return builder;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<EventsOptions>()
            .Bind(builder.Configuration.GetSection(EventsOptions.Section))
            .Configure(o => o.Url = url)
            .ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<EventsOptions>, EventsOptionsValidator>());
        services.AddSingleton<OutboxSignal>();
        services.AddSingleton<EventMetrics>();
        services.TryAddSingleton<INatsConnector, NatsConnector>();
        services.AddSingleton<OutboxWriter>();
        services.AddSingleton<TransientEvents>();
        services.AddSingleton<IEventPublisher, EventPublisher>();
        services.AddSingleton(s =>
        {
            var metrics = s.GetRequiredService<EventMetrics>();
            var bus = ActivatorUtilities.CreateInstance<NatsBus>(s);
            metrics.ObserveConnection(() => bus.Session is not null);
            return bus;
        });
        services.AddSingleton<ExternalEventReader>();

        // Stopped in the reverse order: first what takes events in, then what publishes them, then the connection.
        services.AddHostedService(s =>
        {
            // Its subscriptions must be known before the bus connects.
            s.GetRequiredService<ExternalEventReader>();
            return s.GetRequiredService<NatsBus>();
        });
        services.AddHostedService<OutboxDispatcher>();
        services.AddHostedService(s => s.GetRequiredService<TransientEvents>());
        services.AddHostedService(s => s.GetRequiredService<OutboxWriter>());
        services.AddHostedService(s => s.GetRequiredService<ExternalEventReader>());
        services.AddReadiness<BridgeReadiness>();
        return builder;
    }
}
