namespace VoiceCluster.ApiFrontend.Tests.Voice;

/// <summary>Offers as a browser writes them, as short as they can be.</summary>
internal static class VoiceOffers
{
    /// <summary>One section a direction; mids count up.</summary>
    public static string Of(params string[] directions)
    {
        var mids = string.Join(' ', Enumerable.Range(0, directions.Length));
        var sections = directions.Select((direction, i) => Section(i, direction));
        return $"""
            v=0
            o=- 4611731400430051336 2 IN IP4 127.0.0.1
            s=-
            t=0 0
            a=group:BUNDLE {mids}
            {string.Join("\r\n", sections)}

            """.ReplaceLineEndings("\r\n");
    }

    private static string Section(int mid, string direction) => $"""
        m=audio 9 UDP/TLS/RTP/SAVPF 111 0
        c=IN IP4 0.0.0.0
        a=ice-ufrag:4ZcD
        a=ice-pwd:2/1muCWoOi3uLifh0NuRHlYT
        a=fingerprint:sha-256 75:74:5A:A6:A4:E5:52:F4:A7:67:4C:01:C7:EE:91:3F:21:3D:A2:E3:53:7B:6F:30:86:F2:30:AA:65:FB:04:24
        a=setup:actpass
        a=mid:{mid}
        a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
        a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
        a={direction}
        a=rtcp-mux
        a=rtpmap:111 opus/48000/2
        a=fmtp:111 minptime=10;useinbandfec=1
        """;
}
