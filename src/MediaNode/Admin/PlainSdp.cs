using System.Globalization;
using System.Text;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.MediaNode.Admin;

/// <summary>A plain transport's consumers as a session description (RFC 8866), which FFmpeg and GStreamer open as a file.</summary>
internal static class PlainSdp
{
    /// <summary>Null without a consumer, and while the receiver's address is not known.</summary>
    public static string? Write(PlainTransport transport)
    {
        if (transport.RemoteAddress?.ToIPEndPoint() is not { } remote || transport.Consumers.Count == 0)
        {
            return null;
        }

        var family = remote.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? "IP4" : "IP6";
        StringBuilder sdp = new();
        sdp.Append("v=0\r\n");
        sdp.Append(CultureInfo.InvariantCulture, $"o=- 0 0 IN {family} {remote.Address}\r\n");
        sdp.Append("s=VoiceCluster\r\n");
        sdp.Append(CultureInfo.InvariantCulture, $"c=IN {family} {remote.Address}\r\n");
        sdp.Append("t=0 0\r\n");
        foreach (var consumer in transport.Consumers)
        {
            WriteMedia(sdp, transport, consumer, remote.Port);
        }

        return sdp.ToString();
    }

    private static void WriteMedia(StringBuilder sdp, PlainTransport transport, Consumer consumer, int port)
    {
        var codecs = consumer.RtpParameters.Codecs;
        var kind = consumer.Kind == MediaKind.Audio ? "audio" : "video";
        var profile = transport.SrtpParameters is null ? "RTP/AVP" : "RTP/SAVP";
        sdp.Append(CultureInfo.InvariantCulture, $"m={kind} {port} {profile} {string.Join(' ', codecs.Select(c => c.PayloadType))}\r\n");
        if (transport.Options.RtcpMux)
        {
            sdp.Append("a=rtcp-mux\r\n");
        }
        else if (transport.RemoteRtcpAddress?.ToIPEndPoint() is { } rtcp)
        {
            sdp.Append(CultureInfo.InvariantCulture, $"a=rtcp:{rtcp.Port}\r\n");
        }

        foreach (var codec in codecs)
        {
            var name = codec.MimeType[(codec.MimeType.IndexOf('/', StringComparison.Ordinal) + 1)..];
            var channels = codec.Channels > 1 ? $"/{codec.Channels}" : "";
            sdp.Append(CultureInfo.InvariantCulture, $"a=rtpmap:{codec.PayloadType} {name}/{codec.ClockRate}{channels}\r\n");
            if (codec.Parameters.Count > 0)
            {
                sdp.Append(CultureInfo.InvariantCulture, $"a=fmtp:{codec.PayloadType} {string.Join(';', codec.Parameters.Select(p => p.Key.Length == 0 ? $"{p.Value}" : $"{p.Key}={p.Value}"))}\r\n");
            }
        }

        if (transport.SrtpParameters is { } srtp)
        {
            // RFC 4568 §6.1: key and salt in base64, as they are signalled here, too.
            sdp.Append(CultureInfo.InvariantCulture, $"a=crypto:1 {srtp.CryptoSuite} inline:{srtp.KeyBase64}\r\n");
        }

        foreach (var encoding in consumer.RtpParameters.Encodings)
        {
            sdp.Append(CultureInfo.InvariantCulture, $"a=ssrc:{encoding.Ssrc} cname:{consumer.RtpParameters.Rtcp.Cname}\r\n");
        }

        sdp.Append("a=sendonly\r\n");
    }
}
