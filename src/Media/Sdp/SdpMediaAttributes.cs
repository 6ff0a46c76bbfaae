using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace VoiceCluster.Media.Sdp;

/// <summary><c>a=rtpmap:&lt;pt&gt; &lt;encoding&gt;/&lt;clock rate&gt;[/&lt;channels&gt;]</c> (RFC 8866 §6.6).</summary>
public readonly record struct SdpRtpMap(byte PayloadType, string Encoding, int ClockRate, int Channels);

/// <summary><c>a=extmap:&lt;id&gt;[/&lt;direction&gt;] &lt;uri&gt;</c> (RFC 8285 §8).</summary>
/// <param name="Direction">Which way the describer means to use it.</param>
public readonly record struct SdpExtensionMap(int Id, string Uri, SdpDirection Direction = SdpDirection.SendRecv);

/// <summary><c>a=rtcp-fb:&lt;pt or *&gt; &lt;type&gt; [&lt;parameter&gt;]</c> (RFC 4585 §4.2); a null payload type means all.</summary>
public readonly record struct SdpFeedback(byte? PayloadType, string Type, string Parameter);

/// <summary><c>a=fingerprint:&lt;hash&gt; &lt;value&gt;</c> (RFC 8122 §5).</summary>
public readonly record struct SdpFingerprint(string Algorithm, string Value);

/// <summary>Typed views of a section's attributes. Each returns false on what does not parse, and throws never.</summary>
public static class SdpMediaAttributes
{
    /// <summary>The direction of a section; the session's, else sendrecv, when it says none (RFC 8866 §6.7).</summary>
    public static SdpDirection Direction(SessionDescription description, MediaDescription media)
    {
        foreach (var attributes in (ReadOnlySpan<List<SdpAttribute>>)[media.Attributes, description.Attributes])
        {
            foreach (var attribute in attributes)
            {
                if (TryParseDirection(attribute.Name, out var direction))
                {
                    return direction;
                }
            }
        }

        return SdpDirection.SendRecv;
    }

    /// <summary>Parses the name of a direction.</summary>
    public static bool TryParseDirection(string value, out SdpDirection direction)
    {
        (var known, direction) = value switch
        {
            "sendrecv" => (true, SdpDirection.SendRecv),
            "sendonly" => (true, SdpDirection.SendOnly),
            "recvonly" => (true, SdpDirection.RecvOnly),
            "inactive" => (true, SdpDirection.Inactive),
            _ => (false, SdpDirection.SendRecv),
        };
        return known;
    }

    /// <summary>The attribute's name of a direction.</summary>
    public static string NameOf(SdpDirection direction) => direction switch
    {
        SdpDirection.SendOnly => "sendonly",
        SdpDirection.RecvOnly => "recvonly",
        SdpDirection.Inactive => "inactive",
        _ => "sendrecv",
    };

    /// <summary>The same flow from the other side.</summary>
    public static SdpDirection Reverse(SdpDirection direction) => direction switch
    {
        SdpDirection.SendOnly => SdpDirection.RecvOnly,
        SdpDirection.RecvOnly => SdpDirection.SendOnly,
        _ => direction,
    };

    /// <summary>Parses an <c>rtpmap</c> value.</summary>
    public static bool TryParseRtpMap(string value, out SdpRtpMap map)
    {
        map = default;
        if (!TrySplit(value, ' ', out var type, out var rest) || !TryPayloadType(type, out var payloadType))
        {
            return false;
        }

        var parts = rest.Split('/');
        if (parts.Length is < 2 or > 3 || parts[0].Length == 0
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var clockRate) || clockRate == 0)
        {
            return false;
        }

        var channels = 1;
        if (parts.Length == 3 && !int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out channels))
        {
            return false;
        }

        map = new SdpRtpMap(payloadType, parts[0], clockRate, channels);
        return true;
    }

    /// <summary>Parses an <c>fmtp</c> value into its payload type and key-value parameters, keys in lower case.</summary>
    public static bool TryParseFormat(string value, out byte payloadType, [NotNullWhen(true)] out Dictionary<string, string>? parameters)
    {
        parameters = null;
        payloadType = 0;
        if (!TrySplit(value, ' ', out var type, out var rest) || !TryPayloadType(type, out payloadType))
        {
            return false;
        }

        parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in rest.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            parameters[(equals < 0 ? part : part[..equals]).ToLowerInvariant()] = equals < 0 ? "" : part[(equals + 1)..];
        }

        return true;
    }

    /// <summary>Parses an <c>extmap</c> value; ids are 1 to 255 (RFC 8285 §5).</summary>
    public static bool TryParseExtensionMap(string value, out SdpExtensionMap map)
    {
        map = default;
        if (!TrySplit(value, ' ', out var id, out var rest))
        {
            return false;
        }

        var slash = id.IndexOf('/', StringComparison.Ordinal);
        if (!int.TryParse(slash < 0 ? id : id[..slash], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number is < 1 or > 255)
        {
            return false;
        }

        var direction = SdpDirection.SendRecv;
        if (slash >= 0 && !TryParseDirection(id[(slash + 1)..], out direction))
        {
            return false;
        }

        map = new SdpExtensionMap(number, rest.Split(' ')[0], direction);
        return map.Uri.Length > 0;
    }

    /// <summary>Parses an <c>rtcp-fb</c> value.</summary>
    public static bool TryParseFeedback(string value, out SdpFeedback feedback)
    {
        feedback = default;
        if (!TrySplit(value, ' ', out var type, out var rest))
        {
            return false;
        }

        byte? payloadType = null;
        if (type != "*")
        {
            if (!TryPayloadType(type, out var number))
            {
                return false;
            }

            payloadType = number;
        }

        feedback = TrySplit(rest, ' ', out var kind, out var parameter)
            ? new SdpFeedback(payloadType, kind, parameter)
            : new SdpFeedback(payloadType, rest, "");
        return true;
    }

    /// <summary>Parses a <c>fingerprint</c> value.</summary>
    public static bool TryParseFingerprint(string value, out SdpFingerprint fingerprint)
    {
        fingerprint = default;
        if (!TrySplit(value, ' ', out var algorithm, out var hash))
        {
            return false;
        }

        fingerprint = new SdpFingerprint(algorithm.ToLowerInvariant(), hash.Trim());
        return true;
    }

    /// <summary>Parses the <c>&lt;ssrc&gt; &lt;attribute&gt;[:&lt;value&gt;]</c> of an <c>ssrc</c> line (RFC 5576 §4.1).</summary>
    public static bool TryParseSource(string value, out uint ssrc, [NotNullWhen(true)] out string? attribute, out string parameter)
    {
        parameter = "";
        attribute = null;
        ssrc = 0;
        if (!TrySplit(value, ' ', out var number, out var rest)
            || !uint.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out ssrc))
        {
            return false;
        }

        var colon = rest.IndexOf(':', StringComparison.Ordinal);
        attribute = colon < 0 ? rest : rest[..colon];
        parameter = colon < 0 ? "" : rest[(colon + 1)..];
        return attribute.Length > 0;
    }

    private static bool TrySplit(string value, char separator, out string first, out string rest)
    {
        var at = value.IndexOf(separator, StringComparison.Ordinal);
        first = at < 0 ? value : value[..at];
        rest = at < 0 ? "" : value[(at + 1)..];
        return at > 0 && rest.Length > 0;
    }

    private static bool TryPayloadType(string value, out byte payloadType) =>
        byte.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out payloadType) && payloadType < 128;
}
