using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Sdp;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Media.Tests.Sdp;

public sealed class SdpOfferTests
{
    private static readonly SdpOfferReader Voice = new(SupportedCapabilities.Create(withRed: true), takesVideo: false);
    private static readonly SdpOfferReader Everything = new(SupportedCapabilities.Create(withRed: true), takesVideo: true);

    public static TheoryData<string, int, int, int> AudioOffers => new()
    {
        // Sample, Opus payload type, sending sections, receiving sections.
        { "aiortc", 96, 1, 2 },
        { "chromium-one", 111, 1, 1 },
        { "chromium-slots", 111, 1, 3 },
        { "firefox", 109, 1, 2 },
        { "pion", 111, 1, 1 },
        { "safari", 111, 1, 1 },
        { "wrtc", 111, 1, 1 },
    };

    [Theory]
    [MemberData(nameof(AudioOffers))]
    public void TryRead_OfferOfAClient_GivesItsOwnParameters(string sample, int payloadType, int sending, int receiving)
    {
        Assert.True(Voice.TryRead(SdpSamples.Read(sample), out var offer, out var fault), fault?.Message);

        var taken = offer.Sections.Where(s => s.IsTaken).ToArray();
        Assert.All(taken, s => Assert.Equal(MediaKind.Audio, s.Kind));
        Assert.Equal(sending, taken.Count(s => s.SendParameters is not null));
        Assert.Equal(receiving, taken.Count(s => s.ReceiveParameters is not null));
        Assert.Equal(SdpSetup.ActPass, offer.Setup);
        Assert.True(DtlsParameters.TryParse(offer.DtlsParametersJson, out var dtls, out var error), error);
        Assert.Equal("client", dtls.Role);
        foreach (var section in taken)
        {
            if (section.SendParameters is { } send)
            {
                // What the media node reads is what the door has written.
                Assert.True(RtpParameters.TryParse(send.ToJson(), out var read, out error), error);
                Assert.Equal((section.Mid, payloadType), (read.Mid, read.Codecs.Single().PayloadType));
                Assert.NotNull(read.Encodings.Single().Ssrc);
                Assert.NotNull(read.Rtcp.Cname);
            }

            if (section.ReceiveParameters is { } receive)
            {
                Assert.True(RtpParameters.TryParse(receive.ToJson(), out var read, out error), error);
                Assert.Equal((section.Mid, payloadType, 0), (read.Mid, read.Codecs.Single().PayloadType, read.Encodings.Length));
                Assert.DoesNotContain(read.HeaderExtensions, e => e.Uri == HeaderExtensionUris.TransportWideCc);
            }
        }
    }

    [Theory]
    [MemberData(nameof(AudioOffers))]
    public void TryRead_SentParameters_AreWhatARouterTakes(string sample, int payloadType, int sending, int receiving)
    {
        Assert.True(Voice.TryRead(SdpSamples.Read(sample), out var offer, out _));

        Assert.Equal((sending, true), (offer.Sections.Count(s => s.SendParameters is not null), receiving > 0));
        var send = offer.Sections.First(s => s.SendParameters is not null).SendParameters!;
        var mapping = Ortc.MapProducer(send, MediaKind.Audio, SupportedCapabilities.Create(withRed: true), out var error);
        Assert.True(mapping is not null, error);
        Assert.Equal([payloadType], mapping.PayloadTypes.Keys);
    }

    [Fact]
    public void TryRead_Chromium_KeepsExtensionIdsAndFeedback()
    {
        Assert.True(Voice.TryRead(SdpSamples.Read("chromium-one"), out var offer, out _));

        var section = offer.Sections.Single();
        Assert.Equal(
            [(HeaderExtensionUris.AudioLevel, 1), (HeaderExtensionUris.AbsSendTime, 2), (HeaderExtensionUris.TransportWideCc, 3), (HeaderExtensionUris.Mid, 4)],
            section.SendParameters!.HeaderExtensions.Select(e => (e.Uri, e.Id)));
        Assert.Equal(
            [(HeaderExtensionUris.AudioLevel, 1), (HeaderExtensionUris.AbsSendTime, 2), (HeaderExtensionUris.Mid, 4)],
            section.ReceiveParameters!.HeaderExtensions.Select(e => (e.Uri, e.Id)));
        Assert.Equal([new RtcpFeedback("transport-cc")], section.SendParameters.Codecs[0].RtcpFeedback);
        Assert.Empty(section.ReceiveParameters.Codecs[0].RtcpFeedback);
        Assert.Equal(["minptime", "useinbandfec"], section.SendParameters.Codecs[0].Parameters.Keys);
    }

    [Fact]
    public void TryRead_Firefox_TakesBundleOnlySectionsAndSessionFingerprint()
    {
        Assert.True(Voice.TryRead(SdpSamples.Read("firefox"), out var offer, out var fault), fault?.Message);

        Assert.All(offer.Sections, s => Assert.True(s.IsTaken));
        Assert.Contains("75:74:5A", offer.DtlsParametersJson, StringComparison.Ordinal);

        // csrc-audio-level is not known here and is not agreed to.
        Assert.Equal([1, 3], offer.Sections[0].SendParameters!.HeaderExtensions.Select(e => e.Id));
    }

    [Fact]
    public void TryRead_VideoAndDataOfAVoiceOffer_AreNotTaken()
    {
        Assert.True(Voice.TryRead(SdpSamples.Read("chromium-slots"), out var offer, out _));

        Assert.Equal([true, true, true, true, false, false], offer.Sections.Select(s => s.IsTaken));
        Assert.Equal(["audio", "audio", "audio", "audio", "video", "application"], offer.Sections.Select(s => s.Media.Kind));
    }

    [Fact]
    public void TryRead_SimulcastVideo_GivesRidsAndRtxOfTheFirstCodec()
    {
        Assert.True(Everything.TryRead(SdpSamples.Read("chromium-simulcast"), out var offer, out var fault), fault?.Message);

        var video = offer.Sections.Single(s => s.Kind == MediaKind.Video).SendParameters!;
        Assert.Equal(["l", "m", "h"], video.Encodings.Select(e => e.Rid));
        Assert.Equal([("video/VP8", 96), ("video/rtx", 97)], video.Codecs.Select(c => (c.MimeType, c.PayloadType)));
        Assert.NotNull(Ortc.MapProducer(video, MediaKind.Video, SupportedCapabilities.Create(withRed: true), out _));
        Assert.Contains(video.HeaderExtensions, e => e.Uri == HeaderExtensionUris.RtpStreamId);
    }

    [Theory]
    [InlineData("a=group:BUNDLE 0\r\n", "", "BUNDLE")]
    [InlineData("a=rtcp-mux\r\n", "", "rtcp-mux")]
    [InlineData("a=setup:actpass", "a=setup:holdconn", "a=setup")]
    [InlineData("a=setup:actpass\r\n", "", "a=setup")]
    [InlineData("a=fingerprint:sha-256 ", "a=fingerprint:sha-1 ", "a=fingerprint")]
    [InlineData("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:", "a=fingerprint")]
    [InlineData("a=ice-ufrag:", "a=ice-ufrag: \t", "a=ice-ufrag")]
    [InlineData("a=ice-pwd:", "a=x-pwd:", "a=ice-pwd")]
    [InlineData("m=audio 9 ", "m=audio 0 ", "no active audio section")]
    [InlineData("UDP/TLS/RTP/SAVPF", "RTP/AVP", "no active audio section")]
    [InlineData("m=audio", "m=video", "no active audio section")]
    [InlineData("a=mid:0", "a=mid:1", "no active audio section")]
    [InlineData("a=mid:0\r\n", "", "no active audio section")]
    [InlineData("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus", "a=rtpmap")]
    [InlineData("a=rtpmap:63 red/48000/2", "a=rtpmap:111 red/48000/2", "twice")]
    [InlineData("SAVPF 111", "SAVPF 111 300", "payload type")]
    [InlineData("a=extmap:2 ", "a=extmap:1 ", "twice")]
    [InlineData("a=extmap:2 ", "a=extmap:x ", "a=extmap")]
    [InlineData("a=fmtp:111 ", "a=fmtp:999 ", "a=fmtp")]
    public void TryRead_MungedOffer_SaysWhatIsWrong(string find, string replace, string reason)
    {
        var text = SdpSamples.Read("chromium-one");
        Assert.Contains(find, text, StringComparison.Ordinal);

        Assert.False(Voice.TryRead(text.Replace(find, replace, StringComparison.Ordinal), out var offer, out var fault));
        Assert.Null(offer);
        Assert.Equal(SdpFaultKind.Invalid, fault.Kind);
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("opus/48000/2", "opus/16000/2")]
    [InlineData("opus/48000/2", "speex/16000")]
    public void TryRead_NoCodecInCommon_SaysSo(string find, string replace)
    {
        var text = SdpSamples.Read("chromium-one").Replace(find, replace, StringComparison.Ordinal);

        Assert.False(Voice.TryRead(text, out _, out var fault));
        Assert.Equal(SdpFaultKind.NoCommonCodec, fault.Kind);
    }

    [Fact]
    public void TryRead_SenderWithoutSsrcAndMid_IsRefused()
    {
        var lines = SdpSamples.Read("chromium-one").Split("\r\n")
            .Where(l => !l.StartsWith("a=ssrc", StringComparison.Ordinal) && !l.Contains("sdes:mid", StringComparison.Ordinal));

        Assert.False(Voice.TryRead(string.Join("\r\n", lines), out _, out var fault));
        Assert.Contains("a=ssrc", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TryRead_PassiveClient_BecomesDtlsServer()
    {
        var text = SdpSamples.Read("chromium-one").Replace("setup:actpass", "setup:passive", StringComparison.Ordinal);

        Assert.True(Voice.TryRead(text, out var offer, out _));
        Assert.True(DtlsParameters.TryParse(offer.DtlsParametersJson, out var dtls, out _));
        Assert.Equal((SdpSetup.Passive, DtlsParameters.ServerRole), (offer.Setup, dtls.Role));
    }

    [Theory]
    [InlineData("a=fmtp:111 ", "a=fmtp:111 x=\u00e9\ud800;y=\"\\\u2028;")]
    [InlineData("cname:", "cname:\ud800")]
    public void TryRead_TextThatIsNoText_IsTakenOrRefusedButNeverThrows(string find, string replace)
    {
        var text = SdpSamples.Read("chromium-one").Replace(find, replace, StringComparison.Ordinal);

        if (Voice.TryRead(text, out var offer, out var fault))
        {
            Assert.NotEmpty(offer.Sections[0].SendParameters!.ToJson());
        }
        else
        {
            Assert.NotEmpty(fault.Message);
        }
    }
}
