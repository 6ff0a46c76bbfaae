using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using VoiceCluster.Media.Interop.Linux;

namespace VoiceCluster.MediaNode;

/// <summary>Section Media: where a media node listens and how much it takes.</summary>
public sealed class MediaNodeOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Media";

    /// <summary>Address that the workers' UDP ports bind to. Default 127.0.0.1.</summary>
    public string Ip { get; set; } = "127.0.0.1";

    /// <summary>Address that clients are told, where it differs (NAT, 0.0.0.0). Default none.</summary>
    public string? AnnouncedIp { get; set; }

    /// <summary>
    /// Address at which other media nodes reach the workers' ports, for rooms on several nodes, where that is not what clients are
    /// told. Default none: <see cref="AnnouncedIp"/>.
    /// </summary>
    public string? PipeIp { get; set; }

    /// <summary>UDP ports to take one a worker from, "first-last". A port in use is passed over. Default 10000-10100.</summary>
    public string PortRange { get; set; } = "10000-10100";

    /// <summary>Workers, that is threads and ports. 0, the default: one a core, at most 16.</summary>
    public int Workers { get; set; }

    /// <summary>
    /// Processors for the workers' threads, such as "2,3" or "2-5": the first worker is tied to the first one, and so on, around.
    /// Linux only. Default none: the system decides.
    /// </summary>
    public string? Processors { get; set; }

    /// <summary>Port of health and metrics of a node that is a process of its own. Default 8089.</summary>
    public int HttpPort { get; set; } = 8089;

    /// <summary>Address of health and metrics. Default 127.0.0.1.</summary>
    public string HttpBind { get; set; } = "127.0.0.1";

    /// <summary>The URL of health and metrics that the node tells the fleet, also from <c>MEDIA_SERVER_URL</c>; default http://HttpBind:HttpPort.</summary>
    public string? ControlUrl { get; set; }

    /// <summary>The node's stable name, unique in the cluster. Default: the host's name and the first media port.</summary>
    public string? Name { get; set; }

    /// <summary>
    /// Consumers that a node takes. A participant who would exceed them goes to another node, also one of the same room; those who are
    /// here may go on to twice as many, because a room grows around them. Default 5,000.
    /// </summary>
    public int MaxConsumersPerNode { get; set; } = 5_000;

    /// <summary>
    /// Consumers that a worker takes before a large room there goes on at a further worker of the node: who comes then goes to the one with
    /// the least to do. 0 keeps every room on one worker. Default 2,000, half of what a core forwards when each of them is a voice that
    /// never pauses: those who are there will hear more.
    /// </summary>
    public int MaxConsumersPerWorker { get; set; } = 2_000;

    /// <summary>WebRTC transports a worker. Default 10,000.</summary>
    public int MaxTransportsPerWorker { get; set; } = 10_000;

    /// <summary>Bytes of the sockets' buffers; the system's default loses video bursts. Default 4 MiB.</summary>
    public int SocketBufferBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Bits a second that a sender is told to send at most. Default 2,500,000.</summary>
    public long MaxIncomingBitrate { get; set; } = 2_500_000;

    /// <summary>Whether each receiver gets the layers of video that its network carries, at most those it prefers; else just these. Default true.</summary>
    public bool AdaptVideo { get; set; } = true;

    /// <summary>
    /// Whether each packet of silence of a sender with DTX is passed on, and not only the first and one each 400 ms. Default false.
    /// </summary>
    public bool ForwardSilence { get; set; }

    /// <summary>
    /// Whether mediasoup's clients are told that they may send Opus with redundancy (RFC 2198), more bits for fewer losses. Default false, as
    /// mediasoup itself. Clients that bring SDP are not told: they ask for it.
    /// </summary>
    public bool OfferRed { get; set; }

    /// <summary>Bits a second of the mix that a client with one stream gets. Default 64,000.</summary>
    public int MixBitrate { get; set; } = 64_000;

    /// <summary>Speakers in a room's mix at most, the loudest. Default 16.</summary>
    public int MixVoices { get; set; } = 16;

    /// <summary>
    /// Pads packets for one WebRTC client that leave together to one length, by 48 bytes at most, where the system sends several of one length
    /// as one message: less processor time where many speak, and some more bytes. Default true.
    /// </summary>
    public bool PadPackets { get; set; } = true;

    /// <summary>UDP ports to take those of plain transports from, "first-last". Default 10200-10299.</summary>
    public string PlainPortRange { get; set; } = "10200-10299";

    /// <summary>
    /// What <c>Authorization: Bearer</c> must say at <c>/admin/*</c> of the HTTP port, also from the own machine; 32 characters at least.
    /// Default none: only the own machine has access.
    /// </summary>
    public string? AdminToken { get; set; }

    /// <summary>
    /// How long a node that stops goes on forwarding rooms that have moved to other nodes, while their clients follow. Default 5 s.
    /// </summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);

    // The whole process ends within 10 s.
    internal static readonly TimeSpan MaxDrainTimeout = TimeSpan.FromSeconds(6);

    /// <summary>Uses the framework's sockets where recvmmsg would serve. Default false.</summary>
    public bool PortableSockets { get; set; }

    /// <summary>The port range as numbers; false when it is none.</summary>
    public bool TryGetPorts(out ushort first, out ushort last) => TryGetPorts(PortRange, out first, out last);

    /// <summary>The plain transports' port range as numbers; false when it is none.</summary>
    public bool TryGetPlainPorts(out ushort first, out ushort last) => TryGetPorts(PlainPortRange, out first, out last);

    /// <summary>The processors as numbers, none by default; false when the text is no list of them.</summary>
    public bool TryGetProcessors(out int[] processors)
    {
        processors = [];
        if (string.IsNullOrWhiteSpace(Processors))
        {
            return true;
        }

        var found = new List<int>();
        foreach (var part in Processors.Split(','))
        {
            var ends = part.Split('-', '–');
            if (ends.Length > 2
                || !ushort.TryParse(ends[0].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !ushort.TryParse(ends[^1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var last)
                || first > last || last >= ThreadAffinity.MaxProcessors)
            {
                return false;
            }

            found.AddRange(Enumerable.Range(first, last - first + 1));
        }

        processors = [.. found];
        return true;
    }

    private static bool TryGetPorts(string range, out ushort first, out ushort last)
    {
        first = last = 0;
        var parts = range.Split('-', '–');
        return parts.Length == 2
            && ushort.TryParse(parts[0].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out first)
            && ushort.TryParse(parts[1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out last)
            && first >= 1 && first <= last;
    }

    /// <summary>Where the node's HTTP port is reached.</summary>
    public string ControlUrlOrDefault() => ControlUrl ?? $"http://{HttpBind}:{HttpPort}";

    /// <summary>How many workers to start.</summary>
    public int WorkerCount() => Workers > 0 ? Workers : Math.Clamp(Environment.ProcessorCount, 1, 16);
}

/// <summary>Finds all faults of <see cref="MediaNodeOptions"/> at once.</summary>
public sealed class MediaNodeOptionsValidator : IValidateOptions<MediaNodeOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, MediaNodeOptions options)
    {
        List<string> faults = [];
        if (!IsAddress(options.Ip))
        {
            faults.Add($"Media:Ip is '{options.Ip}'; it must be an IPv4 or IPv6 address.");
        }

        if (!string.IsNullOrEmpty(options.AnnouncedIp) && !IsAddress(options.AnnouncedIp))
        {
            faults.Add($"Media:AnnouncedIp is '{options.AnnouncedIp}'; it must be an IPv4 or IPv6 address.");
        }

        if (!string.IsNullOrEmpty(options.PipeIp) && !IsAddress(options.PipeIp))
        {
            faults.Add($"Media:PipeIp is '{options.PipeIp}'; it must be an IPv4 or IPv6 address.");
        }

        if (!options.TryGetPorts(out var first, out var last))
        {
            faults.Add($"Media:PortRange is '{options.PortRange}'; it must be two ports from 1 to 65535, such as 10000-10100.");
        }
        else if (options.Workers > last - first + 1)
        {
            faults.Add($"Media:Workers is {options.Workers}; Media:PortRange '{options.PortRange}' has ports for {last - first + 1}.");
        }

        if (!options.TryGetPlainPorts(out _, out _))
        {
            faults.Add($"Media:PlainPortRange is '{options.PlainPortRange}'; it must be two ports from 1 to 65535, such as 10200-10299.");
        }

        if (!options.TryGetProcessors(out _))
        {
            faults.Add($"Media:Processors is '{options.Processors}'; it must be numbers below {ThreadAffinity.MaxProcessors}, such as 2,3 or 2-5.");
        }

        if (options.AdminToken is { Length: > 0 and < 32 })
        {
            faults.Add("Media:AdminToken is shorter than 32 characters.");
        }

        if (!IPAddress.TryParse(options.HttpBind, out _))
        {
            faults.Add($"Media:HttpBind is '{options.HttpBind}'; it must be an IPv4 or IPv6 address.");
        }

        if (!string.IsNullOrEmpty(options.ControlUrl)
            && !(Uri.TryCreate(options.ControlUrl, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
        {
            faults.Add($"Media:ControlUrl (MEDIA_SERVER_URL) is '{options.ControlUrl}'; it must be an http or https URL.");
        }

        Range(faults, nameof(options.Workers), options.Workers, 0, 256);
        Range(faults, nameof(options.HttpPort), options.HttpPort, 0, 65_535);
        Range(faults, nameof(options.MaxConsumersPerNode), options.MaxConsumersPerNode, 1, 1_000_000);
        Range(faults, nameof(options.MaxConsumersPerWorker), options.MaxConsumersPerWorker, 0, 1_000_000);
        Range(faults, nameof(options.MaxTransportsPerWorker), options.MaxTransportsPerWorker, 1, 100_000);
        Range(faults, nameof(options.SocketBufferBytes), options.SocketBufferBytes, 64 * 1024, 256 * 1024 * 1024);
        Range(faults, nameof(options.MaxIncomingBitrate), options.MaxIncomingBitrate, 100_000, 1_000_000_000);
        Range(faults, nameof(options.MixBitrate), options.MixBitrate, 16_000, 256_000);
        Range(faults, nameof(options.MixVoices), options.MixVoices, 1, 64);
        if (options.DrainTimeout < TimeSpan.Zero || options.DrainTimeout > MediaNodeOptions.MaxDrainTimeout)
        {
            faults.Add($"Media:DrainTimeout is {options.DrainTimeout}; it must be from zero to {MediaNodeOptions.MaxDrainTimeout}.");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static bool IsAddress(string? text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6;

    private static void Range(List<string> faults, string option, long value, long least, long most)
    {
        if (value < least || value > most)
        {
            faults.Add($"Media:{option} is {value}; it must be from {least} to {most}.");
        }
    }
}
