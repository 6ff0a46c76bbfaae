using System.Net;
using System.Text.Json;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.MediaNode.Admin;

/// <summary>Reads mediasoup's PlainTransportOptions and parameters of <c>connect</c>. Each answers what is wrong, or null.</summary>
internal static class PlainRequests
{
    /// <summary>
    /// <c>{listenIp | listenInfo: {ip, announcedAddress, port}, rtcpMux, comedia, enableSrtp, srtpCryptoSuite}</c>; all may be absent.
    /// </summary>
    public static string? ReadOptions(JsonElement json, out PlainListen listen, out PlainTransportOptions options)
    {
        (listen, options) = (new PlainListen(null, null, 0), new PlainTransportOptions());
        if (json.ValueKind != JsonValueKind.Object)
        {
            return "The body must be an object.";
        }

        if (ReadListen(json, ref listen) is { } wrong)
        {
            return wrong;
        }

        if (!TryReadFlag(json, "rtcpMux", true, out var rtcpMux) || !TryReadFlag(json, "comedia", false, out var comedia)
            || !TryReadFlag(json, "enableSrtp", false, out var enableSrtp))
        {
            return "rtcpMux, comedia and enableSrtp must be true or false.";
        }

        string? suite = null;
        if (json.TryGetProperty("srtpCryptoSuite", out var given))
        {
            suite = given.ValueKind == JsonValueKind.String ? given.GetString() : "";
            if (!SrtpParameters.Suites.Contains(suite))
            {
                return $"srtpCryptoSuite must be one of {string.Join(", ", SrtpParameters.Suites)}.";
            }
        }

        // mediasoup's own default suite.
        options = new PlainTransportOptions { RtcpMux = rtcpMux, Comedia = comedia, SrtpCryptoSuite = enableSrtp ? suite ?? "AES_CM_128_HMAC_SHA1_80" : null };
        return null;
    }

    /// <summary><c>participant: {name, userId}</c>, which is not mediasoup's: who speaks over the transport. Absent it is null.</summary>
    public static string? ReadParticipant(JsonElement json, out PlainParticipant? participant)
    {
        participant = null;
        if (!json.TryGetProperty("participant", out var given))
        {
            return null;
        }

        if (Text(given, "name") is not { Length: >= 1 and <= 64 } name)
        {
            return "participant must have a name of 1 to 64 characters.";
        }

        var user = Guid.NewGuid();
        if (given.TryGetProperty("userId", out var id) && (id.ValueKind != JsonValueKind.String || !Guid.TryParse(id.GetString(), out user)))
        {
            return "participant.userId must be a UUID.";
        }

        participant = new PlainParticipant(name, user);
        return null;
    }

    /// <summary><c>{ip, port, rtcpPort, srtpParameters: {cryptoSuite, keyBase64}}</c>.</summary>
    public static string? ReadConnect(JsonElement json, out PlainConnectOptions connect)
    {
        connect = new PlainConnectOptions(null, null, null);
        if (json.ValueKind != JsonValueKind.Object)
        {
            return "The body must be an object.";
        }

        IPAddress? ip = null;
        if (json.TryGetProperty("ip", out var text) && (text.ValueKind != JsonValueKind.String || !IPAddress.TryParse(text.GetString(), out ip)))
        {
            return "ip must be an IPv4 or IPv6 address.";
        }

        if (!TryReadPort(json, "port", out var port) || !TryReadPort(json, "rtcpPort", out var rtcpPort))
        {
            return "port and rtcpPort must be numbers from 1 to 65535.";
        }

        if (ip is null ? port is not null || rtcpPort is not null : port is null)
        {
            return "ip and port belong together.";
        }

        SrtpParameters? srtp = null;
        if (json.TryGetProperty("srtpParameters", out var key))
        {
            if (key.ValueKind != JsonValueKind.Object || Text(key, "cryptoSuite") is not { } suite || Text(key, "keyBase64") is not { } keyBase64)
            {
                return "srtpParameters must have a cryptoSuite and a keyBase64.";
            }

            srtp = new SrtpParameters(suite, keyBase64);
        }

        connect = new PlainConnectOptions(Address(ip, port), Address(ip, rtcpPort), srtp);
        return null;
    }

    /// <summary>A text of the object; null when it is absent or no text.</summary>
    public static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static bool TryReadFlag(JsonElement json, string name, bool otherwise, out bool value)
    {
        value = otherwise;
        if (!json.TryGetProperty(name, out var given))
        {
            return true;
        }

        value = given.ValueKind == JsonValueKind.True;
        return value || given.ValueKind == JsonValueKind.False;
    }

    private static TransportAddress? Address(IPAddress? ip, int? port) =>
        ip is null || port is null ? null : TransportAddress.From(new IPEndPoint(ip, port.Value));

    private static string? ReadListen(JsonElement json, ref PlainListen listen)
    {
        if (!json.TryGetProperty("listenInfo", out var info) && !json.TryGetProperty("listenIp", out info))
        {
            return null;
        }

        if (info.ValueKind == JsonValueKind.String)
        {
            return TryReadIp(info.GetString(), out var only) && only is not null && Take(ref listen, new PlainListen(only, null, 0)) ? null : "listenIp must be an IPv4 or IPv6 address.";
        }

        if (info.ValueKind != JsonValueKind.Object || !TryReadIp(Text(info, "ip"), out var ip) || ip is null
            || !TryReadIp(Text(info, "announcedAddress") ?? Text(info, "announcedIp"), out var announced))
        {
            return "listenInfo must have an ip and may have an announcedAddress, both IPv4 or IPv6 addresses.";
        }

        if (Text(info, "protocol") is not (null or "udp"))
        {
            return "listenInfo.protocol must be udp.";
        }

        if (!TryReadPort(info, "port", out var port))
        {
            return "listenInfo.port must be a number from 1 to 65535.";
        }

        return Take(ref listen, new PlainListen(ip, announced, (ushort)(port ?? 0))) ? null : "";
    }

    private static bool Take(ref PlainListen listen, PlainListen given)
    {
        listen = given;
        return true;
    }

    private static bool TryReadIp(string? text, out IPAddress? ip)
    {
        ip = null;
        return text is null || IPAddress.TryParse(text, out ip);
    }

    private static bool TryReadPort(JsonElement json, string name, out int? port)
    {
        port = null;
        if (!json.TryGetProperty(name, out var given) || (given.ValueKind == JsonValueKind.Number && given.TryGetInt32(out var none) && none == 0))
        {
            return true;
        }

        if (given.ValueKind != JsonValueKind.Number || !given.TryGetInt32(out var value) || value is < 1 or > ushort.MaxValue)
        {
            return false;
        }

        port = value;
        return true;
    }
}

/// <summary>Who speaks over a plain transport in a room.</summary>
internal sealed record PlainParticipant(string Name, Guid UserId);

/// <summary>Where a plain transport listens.</summary>
/// <param name="Ip">Null for Media:Ip.</param>
/// <param name="Announced">What others are told; null for the same.</param>
/// <param name="Port">0 for any of Media:PlainPortRange.</param>
internal readonly record struct PlainListen(IPAddress? Ip, IPAddress? Announced, ushort Port);
