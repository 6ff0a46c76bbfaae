using System.Globalization;
using System.Net;
using System.Text;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Ice;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.LoadTest.Signalling;

/// <summary>The little SDP that a client without codecs needs: one section that sends, and one for each slot.</summary>
internal static class VoiceSdp
{
    /// <summary>An offer; <paramref name="ssrc"/> null sends nothing.</summary>
    public static string Offer(IceCredentials ice, DtlsFingerprint fingerprint, uint? ssrc, int slots)
    {
        var first = ssrc is null ? 1 : 0;
        var mids = Enumerable.Range(first, slots + (ssrc is null ? 0 : 1)).ToArray();
        var sdp = new StringBuilder();
        Line($"v=0");
        Line($"o=- 1 1 IN IP4 127.0.0.1");
        Line($"s=-");
        Line($"t=0 0");
        Line($"a=group:BUNDLE {string.Join(' ', mids)}");
        foreach (var mid in mids)
        {
            Line($"m=audio 9 UDP/TLS/RTP/SAVPF 111");
            Line($"c=IN IP4 0.0.0.0");
            Line($"a=rtcp-mux");
            Line($"a=ice-ufrag:{ice.UsernameFragment}");
            Line($"a=ice-pwd:{ice.Password}");
            Line($"a=fingerprint:{fingerprint.Algorithm} {fingerprint.Value}");
            Line($"a=setup:actpass");
            Line($"a=mid:{mid}");
            Line($"a=extmap:7 urn:ietf:params:rtp-hdrext:ssrc-audio-level");
            Line($"a=rtpmap:111 opus/48000/2");
            Line($"a=fmtp:111 minptime=10;useinbandfec=1");
            Line($"a={(mid == 0 ? "sendonly" : "recvonly")}");
            if (mid == 0)
            {
                Line($"a=ssrc:{ssrc!.Value} cname:voicebench");
            }
        }

        return sdp.ToString();

        void Line(FormattableString text) => sdp.Append(text.ToString(CultureInfo.InvariantCulture)).Append("\r\n");
    }

    /// <summary>The server's transport as its answer describes it. Throws on anything else: it is for our own servers.</summary>
    public static RemoteTransport Remote(string sdp)
    {
        var lines = sdp.Split("\r\n");
        var fingerprint = Value(lines, "a=fingerprint:").Split(' ');
        if (!DtlsFingerprint.TryParse(fingerprint[0], fingerprint[^1], out var parsed))
        {
            throw new FormatException("The answer's fingerprint is none.");
        }

        // RFC 8839 §5.1: foundation, component, transport, priority, address, port.
        var candidate = Value(lines, "a=candidate:").Split(' ');
        var address = new IPEndPoint(IPAddress.Parse(candidate[4]), int.Parse(candidate[5], CultureInfo.InvariantCulture));
        return new RemoteTransport(new IceCredentials(Value(lines, "a=ice-ufrag:"), Value(lines, "a=ice-pwd:")), TransportAddress.From(address), parsed);
    }

    private static string Value(string[] lines, string attribute) =>
        Array.Find(lines, l => l.StartsWith(attribute, StringComparison.Ordinal)) is { } line
            ? line[attribute.Length..]
            : throw new FormatException($"The answer has no {attribute}");
}
