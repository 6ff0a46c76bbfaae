using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Sdp;

namespace VoiceCluster.Media.Tests.Sdp;

/// <summary>Opus with redundancy (RFC 2198) in offers: taken from who names it first.</summary>
public sealed class SdpRedundancyTests
{
    private const string Formats = "SAVPF 111 63 ";

    private static readonly SdpOfferReader Reader = new(SupportedCapabilities.Create(withRed: true), takesVideo: false);

    [Fact]
    public void OfferThatNamesItFirst_GetsIt_WithItsOpusBehind()
    {
        var offer = Read("SAVPF 63 111 ");
        var section = offer.Sections[0];
        foreach (var parameters in (RtpParameters[])[section.SendParameters!, section.ReceiveParameters!])
        {
            // What the media node reads is what the door has written.
            Assert.True(RtpParameters.TryParse(parameters.ToJson(), out var read, out var error), error);
            Assert.Equal([("audio/red", 63), ("audio/opus", 111)], read.Codecs.Select(c => (c.MimeType, c.PayloadType)));
        }

        Assert.Null(section.SendParameters!.Encodings[0].Rtx);
        var answer = Answer(offer);
        Assert.Equal(["63", "111"], answer.Formats);
        Assert.Equal(["63 red/48000/2", "111 opus/48000/2"], answer.FindAll("rtpmap"));
        Assert.Equal(["63 111/111", "111 minptime=10;useinbandfec=1"], answer.FindAll("fmtp"));
        Assert.Equal(["111 transport-cc"], answer.FindAll("rtcp-fb"));
    }

    [Theory]
    [InlineData(Formats, "63 red/48000/2", "63 111/111")] // As browsers offer by themselves.
    [InlineData("SAVPF 63 111 ", "63 red/48000/2", "63 9/9")] // Of another codec.
    [InlineData("SAVPF 63 111 ", "63 red/48000/2", "63 111/9")] // Of two.
    [InlineData("SAVPF 63 111 ", "63 red/48000/2", "63 120/120")] // Of none.
    [InlineData("SAVPF 63 111 ", "63 red/48000/2", "63 63/63")] // Of itself.
    [InlineData("SAVPF 63 111 ", "63 red/48000/2", "63 a=b")]
    [InlineData("SAVPF 63 111 ", "63 red/8000", "63 111/111")]
    public void AnyOtherOffer_GetsPlainOpus(string formats, string map, string fields)
    {
        var offer = Read(formats, map, fields);
        Assert.Equal("audio/opus", Assert.Single(offer.Sections[0].SendParameters!.Codecs).MimeType);
        Assert.Equal("audio/opus", Assert.Single(offer.Sections[0].ReceiveParameters!.Codecs).MimeType);
        Assert.Equal(["111"], Answer(offer).Formats);
    }

    private static SdpOffer Read(string formats, string map = "63 red/48000/2", string fields = "63 111/111")
    {
        var text = SdpSamples.Read("chromium-one")
            .Replace(Formats, formats, StringComparison.Ordinal)
            .Replace("rtpmap:63 red/48000/2", $"rtpmap:{map}", StringComparison.Ordinal)
            .Replace("fmtp:63 111/111", $"fmtp:{fields}", StringComparison.Ordinal);
        Assert.True(Reader.TryRead(text, out var offer, out var fault), fault?.Message);
        return offer;
    }

    private static MediaDescription Answer(SdpOffer offer)
    {
        var text = SdpAnswerWriter.Write(offer, SdpAnswerTests.Transport, new SdpVersion(1, 1), new HashSet<string> { "0" }, new Dictionary<string, SdpSentTrack>());
        Assert.True(SdpParser.TryParse(text, out var answer, out var error), error);
        return answer.Media[0];
    }
}
