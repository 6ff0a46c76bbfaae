using System.Text.Json;

namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>What a router or an endpoint can receive (mediasoup's RtpCapabilities).</summary>
public sealed record RtpCapabilities
{
    public RtpCodecCapability[] Codecs { get; init; } = [];

    public RtpHeaderExtension[] HeaderExtensions { get; init; } = [];

    /// <summary>Reads mediasoup's JSON. Never throws; <paramref name="error"/> says what is wrong.</summary>
    public static bool TryParse(string json, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RtpCapabilities? capabilities, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? error)
        => ParameterJson.TryParse(json, ParameterJsonContext.Default.RtpCapabilities, ParameterValidation.Check, out capabilities, out error);

    /// <summary>mediasoup's JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ParameterJsonContext.Default.RtpCapabilities);
}

/// <summary>A codec that can be received.</summary>
public sealed record RtpCodecCapability
{
    public MediaKind Kind { get; init; }

    public string MimeType { get; init; } = "";

    /// <summary>The payload type that the router uses towards every consumer; mediasoup-client 3.14 and up requires it.</summary>
    public int? PreferredPayloadType { get; init; }

    /// <summary>Hz.</summary>
    public int ClockRate { get; init; }

    public int? Channels { get; init; }

    public Dictionary<string, JsonElement> Parameters { get; init; } = [];

    public RtcpFeedback[] RtcpFeedback { get; init; } = [];
}

/// <summary>A header extension that can be received or sent.</summary>
public sealed record RtpHeaderExtension
{
    public MediaKind Kind { get; init; }

    public string Uri { get; init; } = "";

    public int PreferredId { get; init; }

    public bool PreferredEncrypt { get; init; }

    public HeaderExtensionDirection? Direction { get; init; }
}
