using VoiceCluster.Media.Sdp;

namespace VoiceCluster.Media.Tests.Sdp;

public sealed class SdpParserTests
{
    /// <summary>The shape of a Chromium audio and video offer, shortened.</summary>
    internal const string BrowserOffer =
        """
        v=0
        o=- 4611731400430051336 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0 1
        a=extmap-allow-mixed
        a=msid-semantic: WMS stream
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9
        c=IN IP4 0.0.0.0
        a=rtcp:9 IN IP4 0.0.0.0
        a=ice-ufrag:4ZcD
        a=ice-pwd:2/1muCWoOi3uLifh0NuRHlYT
        a=ice-options:trickle
        a=fingerprint:sha-256 75:74:5A:A6:A4:E5:52:F4:A7:67:4C:01:C7:EE:91:3F:21:3D:A2:E3:53:7B:6F:30:86:F2:30:AA:65:FB:04:24
        a=setup:actpass
        a=mid:0
        a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
        a=extmap:14/sendonly urn:ietf:params:rtp-hdrext:toffset
        a=sendrecv
        a=rtcp-mux
        a=rtpmap:111 opus/48000/2
        a=rtcp-fb:111 transport-cc
        a=fmtp:111 minptime=10;useinbandfec=1
        a=rtpmap:63 red/48000/2
        a=ssrc:3510681183 cname:loqPWNg7JMmrFUnr
        m=video 9 UDP/TLS/RTP/SAVPF 96 97
        c=IN IP4 0.0.0.0
        a=mid:1
        a=recvonly
        a=rtcp-mux
        a=rtpmap:96 VP8/90000
        a=rtcp-fb:96 nack pli
        a=rtcp-fb:* ccm fir
        a=rtpmap:97 rtx/90000
        a=fmtp:97 apt=96

        """;

    [Fact]
    public void TryParse_BrowserOffer_KeepsEverySectionAndAttribute()
    {
        Assert.True(SdpParser.TryParse(BrowserOffer, out var description, out var error), error);
        Assert.Equal(2ul, description.Origin.SessionVersion);
        Assert.Equal(["0", "1"], description.BundleGroups().Single());
        Assert.Equal(["audio", "video"], description.Media.Select(m => m.Kind));
        var audio = description.Media[0];
        Assert.Equal(("0", "IN IP4 0.0.0.0", true), (audio.Mid, audio.Connection, audio.Has("rtcp-mux")));
        Assert.Equal(["111", "63", "9"], audio.Formats);
        Assert.Equal("actpass", description.Find(audio, "setup"));
        Assert.Equal(SdpDirection.SendRecv, SdpMediaAttributes.Direction(description, audio));
        Assert.Equal(SdpDirection.RecvOnly, SdpMediaAttributes.Direction(description, description.Media[1]));
    }

    [Fact]
    public void Write_OfAParsedOffer_ParsesToTheSame()
    {
        Assert.True(SdpParser.TryParse(BrowserOffer, out var first, out _));
        var text = SdpWriter.Write(first);
        Assert.True(SdpParser.TryParse(text, out var second, out var error), error);
        Assert.Equal(text, SdpWriter.Write(second));
        Assert.Equal(first.Media.Select(m => m.Attributes.Count), second.Media.Select(m => m.Attributes.Count));
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("s=-\r\n", "first line")]
    [InlineData("v=1\r\n", "v=0")]
    [InlineData("v=0\r\n", "no o= line")]
    [InlineData("v=0\r\no=- 1 IN IP4 127.0.0.1\r\n", "o= must be")]
    [InlineData("v=0\r\no=- 1 99999999999999999999 IN IP4 127.0.0.1\r\n", "o= must be")]
    [InlineData("v=0\r\nnonsense\r\n", "<type>=<value>")]
    [InlineData("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\nm=audio 9\r\n", "m= must be")]
    [InlineData("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\nm=audio 70000 RTP/AVP 0\r\n", "m= must be")]
    [InlineData("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\na=:x\r\n", "needs a name")]
    [InlineData("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\na=x\0y\r\n", "control characters")]
    [InlineData("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\nm=audio 9 X 0\r\na=mid:0\r\nm=audio 9 X 0\r\na=mid:0\r\n", "used twice")]
    public void TryParse_Malformed_SaysWhy(string text, string reason)
    {
        Assert.False(SdpParser.TryParse(text, out var description, out var error));
        Assert.Null(description);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    /// <summary>Janus CVE-2020-13898 to 14034: lines, counts and lengths are bounded, and answered with errors.</summary>
    [Theory]
    [InlineData("line", "longer than 4096")]
    [InlineData("description", "longer than 262144")]
    [InlineData("attributes", "more than 1024 attributes")]
    [InlineData("sections", "more than 128 media sections")]
    [InlineData("formats", "more than 128 formats")]
    public void TryParse_BeyondABound_IsRefused(string what, string reason)
    {
        const string Head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
        var text = Head + what switch
        {
            "line" => "a=x:" + new string('y', 5_000),
            "description" => new string('y', 300_000),
            "attributes" => string.Concat(Enumerable.Repeat("a=x\r\n", 1_025)),
            "sections" => string.Concat(Enumerable.Repeat("m=audio 9 X 0\r\n", 129)),
            _ => "m=audio 9 X" + string.Concat(Enumerable.Repeat(" 0", 129)),
        };
        Assert.False(SdpParser.TryParse(text, out _, out var error));
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public void MediaAttributes_OfAnOffer_AreTyped()
    {
        Assert.True(SdpMediaAttributes.TryParseRtpMap("111 opus/48000/2", out var map));
        Assert.Equal(new SdpRtpMap(111, "opus", 48_000, 2), map);
        Assert.True(SdpMediaAttributes.TryParseFormat("111 minptime=10;UseInbandFec=1", out var payloadType, out var parameters));
        Assert.Equal((111, "1"), (payloadType, parameters["useinbandfec"]));
        Assert.True(SdpMediaAttributes.TryParseExtensionMap("14/sendonly urn:x", out var extension));
        Assert.Equal(new SdpExtensionMap(14, "urn:x", SdpDirection.SendOnly), extension);
        Assert.True(SdpMediaAttributes.TryParseFeedback("* ccm fir", out var feedback));
        Assert.Equal(new SdpFeedback(null, "ccm", "fir"), feedback);
        Assert.True(SdpMediaAttributes.TryParseSource("3510681183 cname:abc", out var ssrc, out var attribute, out var value));
        Assert.Equal((3510681183u, "cname", "abc"), (ssrc, attribute, value));
        Assert.True(SdpMediaAttributes.TryParseFingerprint("SHA-256 75:74", out var fingerprint));
        Assert.Equal(new SdpFingerprint("sha-256", "75:74"), fingerprint);
    }

    [Theory]
    [InlineData("200 opus/48000")]
    [InlineData("111 opus")]
    [InlineData("111 opus/0")]
    [InlineData("111")]
    [InlineData("x opus/48000")]
    public void TryParseRtpMap_Malformed_IsFalse(string value) => Assert.False(SdpMediaAttributes.TryParseRtpMap(value, out _));
}
