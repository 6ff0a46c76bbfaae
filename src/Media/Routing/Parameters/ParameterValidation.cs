using System.Text.Json;

namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>What a client may not say. Each check answers null or one sentence for the client.</summary>
internal static class ParameterValidation
{
    private const int MaxCodecs = 128;
    private const int MaxEncodings = 8;
    private const int MaxExtensions = 64;
    private const int MaxFeedback = 32;
    private const int MaxFmtp = 64;
    private const int MaxText = 256;

    public static string? Check(RtpParameters p)
    {
        // The serialiser fills non-nullable properties with null when the JSON says null.
        if (p.Codecs is null || p.HeaderExtensions is null || p.Encodings is null || p.Rtcp is null)
        {
            return "codecs, headerExtensions, encodings and rtcp must not be null.";
        }

        if (p.Codecs.Length is 0 or > MaxCodecs)
        {
            return "codecs must have between 1 and 128 entries.";
        }

        if (p.Encodings.Length > MaxEncodings)
        {
            return "encodings must have at most 8 entries.";
        }

        if (p.HeaderExtensions.Length > MaxExtensions)
        {
            return "headerExtensions must have at most 64 entries.";
        }

        if (p.Mid is not null && !IsToken(p.Mid))
        {
            return "mid must be 1 to 16 ASCII characters.";
        }

        if (p.Rtcp.Cname is { Length: > MaxText - 1 })
        {
            return "rtcp.cname must be at most 255 characters.";
        }

        foreach (var codec in p.Codecs)
        {
            if (codec is null)
            {
                return "A codec must not be null.";
            }

            if (CheckCodec(codec.MimeType, codec.ClockRate, codec.Channels, codec.Parameters, codec.RtcpFeedback) is { } fault)
            {
                return fault;
            }

            if (codec.PayloadType is < 0 or > 127)
            {
                return "payloadType must be between 0 and 127.";
            }
        }

        foreach (var extension in p.HeaderExtensions)
        {
            if (extension is null || string.IsNullOrEmpty(extension.Uri) || extension.Uri.Length > MaxText)
            {
                return "A header extension must have a uri.";
            }

            if (extension.Id is < 1 or > 255)
            {
                return "A header extension id must be between 1 and 255.";
            }
        }

        foreach (var encoding in p.Encodings)
        {
            if (encoding is null)
            {
                return "An encoding must not be null.";
            }

            if (encoding.Rid is not null && !IsToken(encoding.Rid))
            {
                return "rid must be 1 to 16 ASCII characters.";
            }

            if (encoding.ScalabilityMode is { Length: > MaxText })
            {
                return "scalabilityMode is too long.";
            }
        }

        return null;
    }

    public static string? Check(RtpCapabilities c)
    {
        if (c.Codecs is null || c.HeaderExtensions is null)
        {
            return "codecs and headerExtensions must not be null.";
        }

        if (c.Codecs.Length > MaxCodecs)
        {
            return "codecs must have at most 128 entries.";
        }

        if (c.HeaderExtensions.Length > MaxExtensions * 2)
        {
            return "headerExtensions must have at most 128 entries.";
        }

        foreach (var codec in c.Codecs)
        {
            if (codec is null)
            {
                return "A codec must not be null.";
            }

            if (CheckCodec(codec.MimeType, codec.ClockRate, codec.Channels, codec.Parameters, codec.RtcpFeedback) is { } fault)
            {
                return fault;
            }

            if (codec.PreferredPayloadType is < 0 or > 127)
            {
                return "preferredPayloadType must be between 0 and 127.";
            }
        }

        foreach (var extension in c.HeaderExtensions)
        {
            if (extension is null || string.IsNullOrEmpty(extension.Uri) || extension.Uri.Length > MaxText)
            {
                return "A header extension must have a uri.";
            }

            if (extension.PreferredId is < 1 or > 255)
            {
                return "preferredId must be between 1 and 255.";
            }
        }

        return null;
    }

    private static string? CheckCodec(string? mimeType, int clockRate, int? channels, Dictionary<string, JsonElement>? parameters, RtcpFeedback[]? feedback)
    {
        if (mimeType is null || mimeType.Length > MaxText
            || !(mimeType.StartsWith("audio/", StringComparison.OrdinalIgnoreCase) || mimeType.StartsWith("video/", StringComparison.OrdinalIgnoreCase))
            || mimeType.Length < 7)
        {
            return "mimeType must be audio/… or video/….";
        }

        if (clockRate <= 0)
        {
            return "clockRate must be positive.";
        }

        if (channels is < 1 or > 255)
        {
            return "channels must be between 1 and 255.";
        }

        if (parameters is null || parameters.Count > MaxFmtp)
        {
            return "parameters must be an object of at most 64 fields.";
        }

        foreach (var value in parameters.Values)
        {
            // mediasoup: string, number, boolean or null; anything nested is refused.
            if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            {
                return "A codec parameter must be a string or a number.";
            }
        }

        if (feedback is null || feedback.Length > MaxFeedback)
        {
            return "rtcpFeedback must be an array of at most 32 entries.";
        }

        foreach (var one in feedback)
        {
            if (one?.Type is null || one.Type.Length > MaxText || one.Parameter is { Length: > MaxText })
            {
                return "A feedback entry must have a type.";
            }
        }

        return null;
    }

    // RFC 8285 §4.2: a one-byte element holds 16 bytes.
    private static bool IsToken(string text)
    {
        if (text.Length is 0 or > 16)
        {
            return false;
        }

        foreach (var c in text)
        {
            if (c is <= ' ' or > '~')
            {
                return false;
            }
        }

        return true;
    }
}
