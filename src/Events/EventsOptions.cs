using Microsoft.Extensions.Options;
using VoiceCluster.Events.Nats;

namespace VoiceCluster.Events;

/// <summary>The bridge to NATS, section <c>Events</c> of the configuration; its address is <c>NATS_URL</c>.</summary>
public sealed class EventsOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Events";

    /// <summary>The setting that names the servers: <c>nats://user:password@host:port</c> or <c>tls://…</c>, several by commas.</summary>
    public const string UrlSetting = "NATS_URL";

    /// <summary>From <see cref="UrlSetting"/>; empty when there is no bridge.</summary>
    public string Url { get; set; } = "";

    /// <summary>A PEM file with the authorities that may sign the servers' certificates; empty for the system's. Only with tls://.</summary>
    public string CaFile { get; set; } = "";

    /// <summary>How long a connection may take to come up, TLS included; 100 ms to 1 min. Default 2 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a server may take to acknowledge; 100 ms to 1 min. Default 5 s.</summary>
    public TimeSpan AckTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest pause between two attempts, to connect or to publish; 100 ms to 5 min. Default 5 s.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the outbox is looked at when no commit of this process says that it should; 10 ms to 1 min. Default 250 ms.</summary>
    public TimeSpan PollPeriod { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>After this time another process takes over from one that died; 1 s to 10 min. Default 5 s.</summary>
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Events read from the outbox at once; 1 to 10,000. Default 256.</summary>
    public int BatchSize { get; set; } = 256;

    /// <summary>Durable events that wait in memory for a store that is away; more are dropped and counted; 1 to 10,000,000. Default 100,000.</summary>
    public int MaxWaitingEvents { get; set; } = 100_000;

    /// <summary>Transient events that wait for the connection; more are dropped and counted; 1 to 1,000,000. Default 4,096.</summary>
    public int MaxTransientEvents { get; set; } = 4_096;

    /// <summary>Messages of other systems that wait to be obeyed; more are dropped and counted; 1 to 1,000,000. Default 1,024.</summary>
    public int MaxInboundMessages { get; set; } = 1_024;

    /// <summary>Lists every fault, each with option, value and bound.</summary>
    public IEnumerable<string> Validate()
    {
        if (!NatsServer.TryParseList(Url, out _, out var error))
        {
            yield return error;
        }

        if (CaFile.Length > 0 && !File.Exists(CaFile))
        {
            yield return $"Events:CaFile is {CaFile}; there is no such file.";
        }

        foreach (var (name, value, least, most) in new[]
        {
            (nameof(ConnectTimeout), ConnectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            (nameof(AckTimeout), AckTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            (nameof(MaxRetryDelay), MaxRetryDelay, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5)),
            (nameof(PollPeriod), PollPeriod, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1)),
            (nameof(LeaseDuration), LeaseDuration, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
        })
        {
            if (value < least || value > most)
            {
                yield return $"Events:{name} is {value}; it must be {least} to {most}.";
            }
        }

        foreach (var (name, value, most) in new[]
        {
            (nameof(BatchSize), BatchSize, 10_000),
            (nameof(MaxWaitingEvents), MaxWaitingEvents, 10_000_000),
            (nameof(MaxTransientEvents), MaxTransientEvents, 1_000_000),
            (nameof(MaxInboundMessages), MaxInboundMessages, 1_000_000),
        })
        {
            if (value < 1 || value > most)
            {
                yield return $"Events:{name} is {value}; it must be 1 to {most}.";
            }
        }
    }
}

/// <summary>Reports every fault of <see cref="EventsOptions"/> at once.</summary>
internal sealed class EventsOptionsValidator : IValidateOptions<EventsOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, EventsOptions options)
    {
        string[] faults = [.. options.Validate()];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
