using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Sdp;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Media.Tests.Sdp;

public sealed class SdpServerOfferTests
{
    private static readonly SdpOfferReader Reader = new(SupportedCapabilities.Create(withRed: true), takesVideo: false);

    /// <summary>What Chromium 156 answered to the offer of <see cref="Offer"/>, after its own offer chromium-one.</summary>
    private static string ChromiumAnswer => SdpSamples.Read("chromium-answer");

    [Fact]
    public void Write_OneMoreTrack_OffersOldAndNewSections()
    {
        var offer = Parse(Offer(out _));

        Assert.Equal("BUNDLE 0 s1", offer.Find("group"));
        Assert.All(offer.Media, m => Assert.Equal("actpass", m.Find("setup")));
        Assert.Equal([SdpDirection.SendRecv, SdpDirection.SendOnly], offer.Media.Select(m => SdpMediaAttributes.Direction(offer, m)));
        Assert.Equal(["111"], offer.Media[1].Formats);
        Assert.Equal("bob voice", offer.Media[1].Find("msid"));
        Assert.Equal(offer.Media[0].FindAll("extmap"), offer.Media[1].FindAll("extmap"));
    }

    [Fact]
    public void WithSection_ForANewTrack_HasTheClientsOwnIds()
    {
        Assert.True(Reader.TryRead(SdpSamples.Read("chromium-one"), out var client, out _));

        var receive = client.WithSection("s1", MediaKind.Audio)!.Sections[^1].ReceiveParameters!;

        Assert.Equal(("s1", 111), (receive.Mid, receive.Codecs.Single().PayloadType));
        Assert.Equal([1, 2, 4], receive.HeaderExtensions.Select(e => e.Id));
        Assert.Null(client.WithSection("0", MediaKind.Audio));
        Assert.Null(client.WithSection("s1", MediaKind.Video));
        Assert.Null(client.WithSection("longer than sixteen", MediaKind.Audio));
    }

    [Fact]
    public void TryReadAnswer_OfChromium_SaysWhatItTakes()
    {
        Offer(out var offered);

        Assert.True(SdpServerOffer.TryReadAnswer(offered, ChromiumAnswer, out var answer, out var fault), fault?.Message);

        Assert.Equal(
            [("0", true, SdpDirection.SendRecv), ("s1", true, SdpDirection.RecvOnly)],
            answer.Sections.Select(s => (s.Mid, s.IsAccepted, s.Direction)));
        Assert.True(DtlsParameters.TryParse(answer.DtlsParametersJson, out var dtls, out _));
        Assert.Equal("client", dtls.Role);
    }

    [Fact]
    public void TryReadAnswer_ARefusedSection_IsNotAccepted()
    {
        Offer(out var offered);
        var lines = ChromiumAnswer.Split("\r\n");
        var second = Array.FindLastIndex(lines, l => l.StartsWith("m=", StringComparison.Ordinal));
        lines[second] = lines[second].Replace("audio 9 ", "audio 0 ", StringComparison.Ordinal);

        Assert.True(SdpServerOffer.TryReadAnswer(offered, string.Join("\r\n", lines), out var answer, out var fault), fault?.Message);

        Assert.Equal([true, false], answer.Sections.Select(s => s.IsAccepted));
    }

    [Theory]
    [InlineData("v=0", "v=1", "malformed")]
    [InlineData("a=mid:s1", "a=mid:s2", "stands where")]
    [InlineData("a=rtcp-mux", "a=rtcp-mix", "rtcp-mux")]
    [InlineData("a=setup:active", "a=setup:actpass", "active or passive")]
    [InlineData("a=fingerprint:sha-256", "a=fingerprint:md5", "a=fingerprint")]
    [InlineData("a=ice-ufrag:", "a=ice-none:", "a=ice-ufrag")]
    [InlineData("SAVPF 111", "SAVPF 96", "no codec")]
    public void TryReadAnswer_MungedAnswer_SaysWhatIsWrong(string find, string replace, string reason)
    {
        Offer(out var offered);
        Assert.Contains(find, ChromiumAnswer, StringComparison.Ordinal);

        Assert.False(SdpServerOffer.TryReadAnswer(offered, ChromiumAnswer.Replace(find, replace, StringComparison.Ordinal), out _, out var fault));
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TryReadAnswer_WithFewerSections_IsRefused()
    {
        Offer(out var offered);
        var text = ChromiumAnswer[..ChromiumAnswer.LastIndexOf("m=", StringComparison.Ordinal)];

        Assert.False(SdpServerOffer.TryReadAnswer(offered, text, out _, out var fault));
        Assert.Contains("RFC 3264", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>The offer of one more track to the client of chromium-one.</summary>
    private static string Offer(out SdpOffer offered)
    {
        Assert.True(Reader.TryRead(SdpSamples.Read("chromium-one"), out var client, out _));
        offered = client.WithSection("s1", MediaKind.Audio)!;
        var sent = new Dictionary<string, SdpSentTrack> { ["0"] = Track("mix", "mix", 77), ["s1"] = Track("bob", "voice", 78) };
        return SdpServerOffer.Write(offered, SdpAnswerTests.Transport, new SdpVersion(42, 2), new HashSet<string> { "0" }, sent);
    }

    private static SdpSentTrack Track(string stream, string track, uint ssrc) => new(stream, track, new RtpParameters
    {
        Encodings = [new RtpEncodingParameters { Ssrc = ssrc }],
        Rtcp = new RtcpParameters { Cname = "room" },
    });

    private static SessionDescription Parse(string text)
    {
        Assert.True(SdpParser.TryParse(text, out var description, out var error), error);
        return description;
    }
}
