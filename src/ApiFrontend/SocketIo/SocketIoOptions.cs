using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>Times and bounds of the Socket.IO server, section <c>SocketIo</c>.</summary>
public sealed class SocketIoOptions
{
    /// <summary>How often the server pings. Default 25 s, as engine.io has it.</summary>
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>How long a client may take to answer a ping, and how long a dropped socket may come back. Default 20 s.</summary>
    public TimeSpan PingTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long an upgrade from polling to WebSocket may take. Default 10 s.</summary>
    public TimeSpan UpgradeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may stay without a namespace. Default 45 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>How long the end of the server waits for handlers that are still at work. Default 4 s.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>The largest message and polling body in bytes (maxHttpBufferSize). Default 1,000,000.</summary>
    public int MaxPayload { get; set; } = 1_000_000;

    /// <summary>The deepest JSON that a packet may carry. Default 32.</summary>
    public int MaxJsonDepth { get; set; } = 32;

    /// <summary>The most binary attachments of one packet. Default 16.</summary>
    public int MaxAttachments { get; set; } = 16;

    /// <summary>The most packets of one polling body. Default 256.</summary>
    public int MaxPacketsPerPayload { get; set; } = 256;

    /// <summary>Events of one socket that may wait for their handler; then the connection is read no further. Default 256.</summary>
    public int MaxPendingEvents { get; set; } = 256;

    /// <summary>Packets that may wait for a client to read them; one more closes the connection. Default 1,024.</summary>
    public int MaxQueuedPackets { get; set; } = 1024;

    /// <summary>Bytes that may wait for a client to read them. Default 4 MiB.</summary>
    public int MaxQueuedBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Sent events that are kept to be replayed to a client that comes back. Default 256.</summary>
    public int MaxReplayEvents { get; set; } = 256;

    /// <summary>Bytes of sent events that are kept. Default 256 KiB.</summary>
    public int MaxReplayBytes { get; set; } = 256 * 1024;

    /// <summary>Connections at a time; more get 503. Default 20,000.</summary>
    public int MaxSessions { get; set; } = 20_000;

    /// <summary>Connections of one address; 0 means no limit. Default 0.</summary>
    public int MaxSessionsPerAddress { get; set; }
}

/// <summary>Names every wrong value at once.</summary>
internal sealed class SocketIoOptionsValidator : IValidateOptions<SocketIoOptions>
{
    public ValidateOptionsResult Validate(string? name, SocketIoOptions options)
    {
        List<string> faults = [];
        Positive(faults, nameof(options.PingInterval), options.PingInterval);
        Positive(faults, nameof(options.PingTimeout), options.PingTimeout);
        Positive(faults, nameof(options.UpgradeTimeout), options.UpgradeTimeout);
        Positive(faults, nameof(options.ConnectTimeout), options.ConnectTimeout);
        Positive(faults, nameof(options.StopTimeout), options.StopTimeout);
        AtLeast(faults, nameof(options.MaxPayload), options.MaxPayload, 1024);
        AtLeast(faults, nameof(options.MaxJsonDepth), options.MaxJsonDepth, 8);
        AtLeast(faults, nameof(options.MaxAttachments), options.MaxAttachments, 0);
        AtLeast(faults, nameof(options.MaxPacketsPerPayload), options.MaxPacketsPerPayload, 1);
        AtLeast(faults, nameof(options.MaxPendingEvents), options.MaxPendingEvents, 1);
        AtLeast(faults, nameof(options.MaxQueuedPackets), options.MaxQueuedPackets, 16);
        AtLeast(faults, nameof(options.MaxQueuedBytes), options.MaxQueuedBytes, options.MaxPayload);
        AtLeast(faults, nameof(options.MaxReplayEvents), options.MaxReplayEvents, 0);
        AtLeast(faults, nameof(options.MaxReplayBytes), options.MaxReplayBytes, 0);
        AtLeast(faults, nameof(options.MaxSessions), options.MaxSessions, 1);
        AtLeast(faults, nameof(options.MaxSessionsPerAddress), options.MaxSessionsPerAddress, 0);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void Positive(List<string> faults, string option, TimeSpan value)
    {
        if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1))
        {
            faults.Add($"SocketIo:{option} is {value}; it must be more than zero and at most a day.");
        }
    }

    private static void AtLeast(List<string> faults, string option, int value, int least)
    {
        if (value < least)
        {
            faults.Add($"SocketIo:{option} is {value}; it must be at least {least}.");
        }
    }
}
