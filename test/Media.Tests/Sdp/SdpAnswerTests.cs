using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Sdp;

namespace VoiceCluster.Media.Tests.Sdp;

public sealed class SdpAnswerTests
{
    private const string TransportJson =
        """
        {"id":"t","iceParameters":{"usernameFragment":"serverFragment01","password":"serverPasswordOf32Characters0000","iceLite":true},
         "iceCandidates":[{"foundation":"udp0","priority":2130706431,"ip":"192.0.2.7","address":"192.0.2.7","protocol":"udp","port":10003,"type":"host"},
                          {"foundation":"udp1","priority":2130706175,"ip":"2001:db8::7","address":"2001:db8::7","protocol":"udp","port":10003,"type":"host"}],
         "dtlsParameters":{"role":"auto","fingerprints":[{"algorithm":"sha-256","value":"AB:CD"}]}}
        """;

    private static readonly SdpOfferReader Voice = new(SupportedCapabilities.Create(withRed: true), takesVideo: false);

    internal static SdpServerTransport Transport => SdpServerTransport.TryParse(TransportJson, out var transport)
        ? transport
        : throw new InvalidOperationException("The test's transport does not parse.");

    [Fact]
    public void Write_ToChromium_AgreesToWhatItOffered()
    {
        var answer = Answer("chromium-one", receives: ["0"], sends: ["0"]);

        Assert.Equal("BUNDLE 0", answer.Find("group"));
        Assert.NotNull(answer.Find("ice-lite"));
        var audio = answer.Media.Single();
        Assert.Equal(("audio", 10003, "UDP/TLS/RTP/SAVPF", "IN IP4 192.0.2.7"), (audio.Kind, audio.Port, audio.Protocol, audio.Connection));
        Assert.Equal(["111"], audio.Formats);
        Assert.Equal("0", audio.Mid);
        Assert.Equal("passive", audio.Find("setup"));
        Assert.Equal(("serverFragment01", "serverPasswordOf32Characters0000"), (audio.Find("ice-ufrag"), audio.Find("ice-pwd")));
        Assert.Equal("sha-256 AB:CD", audio.Find("fingerprint"));
        Assert.True(audio.Has("rtcp-mux") && audio.Has("rtcp-rsize") && audio.Has("end-of-candidates"));
        Assert.Equal(SdpDirection.SendRecv, SdpMediaAttributes.Direction(answer, audio));
        Assert.Equal("111 opus/48000/2", audio.Find("rtpmap"));
        Assert.Equal("111 minptime=10;useinbandfec=1", audio.Find("fmtp"));
        Assert.Equal("111 transport-cc", audio.Find("rtcp-fb"));
        Assert.Equal(4, audio.FindAll("extmap").Count());
        Assert.Equal("mix mix-0", audio.Find("msid"));
        Assert.Equal("77 cname:room", audio.Find("ssrc"));
        Assert.Equal(
            ["udp0 1 udp 2130706431 192.0.2.7 10003 typ host", "udp1 1 udp 2130706175 2001:db8::7 10003 typ host"],
            audio.FindAll("candidate"));
    }

    [Fact]
    public void Write_Slots_SendInSomeReceiveInOneAndRefuseTheRest()
    {
        var answer = Answer("chromium-slots", receives: ["0"], sends: ["1", "2"]);

        Assert.Equal("BUNDLE 0 1 2 3", answer.Find("group"));
        Assert.Equal(
            [SdpDirection.RecvOnly, SdpDirection.SendOnly, SdpDirection.SendOnly, SdpDirection.Inactive],
            answer.Media.Take(4).Select(m => SdpMediaAttributes.Direction(answer, m)));
        Assert.Equal([10003, 10003, 10003, 10003, 0, 0], answer.Media.Select(m => m.Port));
        Assert.Equal(["0", "1", "2", "3", "4", "5"], answer.Media.Select(m => m.Mid));
        Assert.Equal(["webrtc-datachannel"], answer.Media[5].Formats);

        // Only the first section of a bundle carries candidates.
        Assert.Equal([2, 0, 0, 0, 0, 0], answer.Media.Select(m => m.FindAll("candidate").Count()));
    }

    [Fact]
    public void Write_DirectionsOfExtensions_AreTurnedRound()
    {
        var text = SdpSamples.Read("chromium-one").Replace("a=extmap:1 ", "a=extmap:1/sendonly ", StringComparison.Ordinal);
        Assert.True(Voice.TryRead(text, out var offer, out _));

        var answer = Write(offer, receives: ["0"], sends: []);

        Assert.Contains("1/recvonly urn:ietf:params:rtp-hdrext:ssrc-audio-level", answer.Media[0].FindAll("extmap"));
        Assert.DoesNotContain(offer.Sections[0].ReceiveParameters!.HeaderExtensions, e => e.Id == 1);
    }

    [Fact]
    public void Write_ToAPassiveClient_IsActive()
    {
        var text = SdpSamples.Read("chromium-one").Replace("setup:actpass", "setup:passive", StringComparison.Ordinal);
        Assert.True(Voice.TryRead(text, out var offer, out _));

        Assert.Equal("active", Write(offer, ["0"], []).Media[0].Find("setup"));
    }

    [Theory]
    [InlineData("aiortc")]
    [InlineData("chromium-one")]
    [InlineData("chromium-simulcast")]
    [InlineData("chromium-slots")]
    [InlineData("firefox")]
    [InlineData("pion")]
    [InlineData("safari")]
    [InlineData("wrtc")]
    public void Write_ToEveryClient_HasASectionForEachOfTheOffer(string sample)
    {
        Assert.True(Voice.TryRead(SdpSamples.Read(sample), out var offer, out var fault), fault?.Message);

        var answer = Write(
            offer,
            [.. offer.Sections.Where(s => s.SendParameters is not null).Select(s => s.Mid)],
            [.. offer.Sections.Where(s => s.ReceiveParameters is not null).Select(s => s.Mid)]);

        // RFC 3264 §6: as many sections, in the same order, of the same kind.
        Assert.Equal(offer.Description.Media.Select(m => (m.Kind, m.Protocol, m.Mid)), answer.Media.Select(m => (m.Kind, m.Protocol, m.Mid)));
        Assert.All(answer.Media.Where(m => m.Port != 0), m => Assert.Subset(
            offer.Description.Media.Single(o => o.Mid == m.Mid).Formats.ToHashSet(), m.Formats.ToHashSet()));
    }

    [Fact]
    public void Restart_OfATransport_ChangesItsCredentialsAlone()
    {
        Assert.True(Transport.TryRestart("""{"usernameFragment":"anotherFragment1","password":"anotherPassword","iceLite":true}""", out var restarted));

        Assert.Equal(("anotherFragment1", "anotherPassword"), (restarted.IceUsernameFragment, restarted.IcePassword));
        Assert.Equal(Transport.Candidates, restarted.Candidates);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"iceParameters":{"usernameFragment":1,"password":"x"}}""")]
    public void TryParse_NoTransport_IsFalse(string json) => Assert.False(SdpServerTransport.TryParse(json, out _));

    internal static SessionDescription Write(SdpOffer offer, string[] receives, string[] sends)
    {
        var sent = sends.ToDictionary(mid => mid, mid => new SdpSentTrack("mix", $"mix-{mid}", new RtpParameters
        {
            Mid = mid,
            Encodings = [new RtpEncodingParameters { Ssrc = 77 }],
            Rtcp = new RtcpParameters { Cname = "room" },
        }));
        var text = SdpAnswerWriter.Write(offer, Transport, new SdpVersion(42, 1), receives.ToHashSet(), sent);
        Assert.True(SdpParser.TryParse(text, out var answer, out var error), error);
        return answer;
    }

    private static SessionDescription Answer(string sample, string[] receives, string[] sends)
    {
        Assert.True(Voice.TryRead(SdpSamples.Read(sample), out var offer, out var fault), fault?.Message);
        return Write(offer, receives, sends);
    }
}
