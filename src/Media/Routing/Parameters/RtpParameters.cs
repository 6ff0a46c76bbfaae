using System.Text.Json;

namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>One media stream as its sender or receiver describes it (mediasoup's RtpParameters).</summary>
public sealed record RtpParameters
{
    /// <summary>The MID of RFC 9143; null when the sender declares SSRCs instead.</summary>
    public string? Mid { get; init; }

    /// <summary>Media codecs, each followed by its RTX.</summary>
    public RtpCodecParameters[] Codecs { get; init; } = [];

    /// <summary>Header extensions by id.</summary>
    public RtpHeaderExtensionParameters[] HeaderExtensions { get; init; } = [];

    /// <summary>Streams; more than one means simulcast.</summary>
    public RtpEncodingParameters[] Encodings { get; init; } = [];

    /// <summary>RTCP settings.</summary>
    public RtcpParameters Rtcp { get; init; } = new();

    /// <summary>mediasoup's msid field, given back as it came.</summary>
    public string? Msid { get; init; }

    /// <summary>Reads mediasoup's JSON. Never throws; <paramref name="error"/> says what is wrong.</summary>
    public static bool TryParse(string json, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RtpParameters? parameters, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? error)
    {
        var parsed = ParameterJson.TryParse(json, ParameterJsonContext.Default.RtpParameters, static p => ParameterValidation.Check(p.Complete()), out parameters, out error);
        parameters = parameters?.Complete();
        return parsed;
    }

    /// <summary>With empty values for what the JSON left out; mediasoup requires the codecs only.</summary>
    private RtpParameters Complete() => this with
    {
        Codecs = Codecs is null
            ? []
            : Array.ConvertAll(Codecs, c => c is null ? null! : c with { Parameters = c.Parameters ?? [], RtcpFeedback = c.RtcpFeedback ?? [] }),
        HeaderExtensions = HeaderExtensions ?? [],
        Encodings = Encodings ?? [],
        Rtcp = Rtcp ?? new RtcpParameters(),
    };

    /// <summary>mediasoup's JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ParameterJsonContext.Default.RtpParameters);
}

/// <summary>A codec in use.</summary>
public sealed record RtpCodecParameters
{
    /// <summary>For example audio/opus, video/VP8, video/rtx.</summary>
    public string MimeType { get; init; } = "";

    /// <summary>0 to 127.</summary>
    public int PayloadType { get; init; }

    /// <summary>Hz.</summary>
    public int ClockRate { get; init; }

    /// <summary>Audio channels; null for video.</summary>
    public int? Channels { get; init; }

    /// <summary>The fmtp parameters: numbers, strings or booleans.</summary>
    public Dictionary<string, JsonElement> Parameters { get; init; } = [];

    /// <summary>Feedback that the receiver may send.</summary>
    public RtcpFeedback[] RtcpFeedback { get; init; } = [];
}

/// <summary>A header extension in use.</summary>
public sealed record RtpHeaderExtensionParameters
{
    public string Uri { get; init; } = "";

    /// <summary>1 to 14 in a one-byte header, up to 255 in a two-byte header (RFC 8285 §4).</summary>
    public int Id { get; init; }

    public bool Encrypt { get; init; }

    public Dictionary<string, JsonElement> Parameters { get; init; } = [];
}

/// <summary>One stream of a producer or consumer.</summary>
public sealed record RtpEncodingParameters
{
    public uint? Ssrc { get; init; }

    /// <summary>RFC 8851 restriction identifier; names a simulcast stream without SSRC.</summary>
    public string? Rid { get; init; }

    public int? CodecPayloadType { get; init; }

    public RtxParameters? Rtx { get; init; }

    public bool? Dtx { get; init; }

    /// <summary>For example L1T3.</summary>
    public string? ScalabilityMode { get; init; }

    public double? ScaleResolutionDownBy { get; init; }

    /// <summary>Bits a second.</summary>
    public long? MaxBitrate { get; init; }
}

/// <summary>The retransmission stream of an encoding.</summary>
public sealed record RtxParameters
{
    public uint Ssrc { get; init; }
}

/// <summary>RTCP settings.</summary>
public sealed record RtcpParameters
{
    /// <summary>The canonical name, the same for all streams of one sender (RFC 3550 §6.5.1).</summary>
    public string? Cname { get; init; }

    /// <summary>RFC 5506.</summary>
    public bool? ReducedSize { get; init; } = true;

    public bool? Mux { get; init; }
}

/// <summary>A feedback message type, for example nack pli.</summary>
/// <param name="Type">nack, ccm, goog-remb, transport-cc.</param>
/// <param name="Parameter">pli, fir or empty.</param>
public sealed record RtcpFeedback(string Type, string? Parameter = "");
