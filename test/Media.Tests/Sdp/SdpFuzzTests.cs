using System.Text;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Sdp;
using VoiceCluster.Media.Tests.Fuzzing;

namespace VoiceCluster.Media.Tests.Sdp;

public sealed class SdpFuzzTests
{
    /// <summary>Whatever parses is written and parses again; nothing throws.</summary>
    [Fact]
    public void Sdp_Mutations_NeverThrowAndSurviveARoundTrip()
    {
        byte[][] seeds =
        [
            Encoding.Latin1.GetBytes(SdpParserTests.BrowserOffer),
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"u8.ToArray(),
        ];
        Fuzz.Run(seeds, static input =>
        {
            if (!SdpParser.TryParse(Encoding.Latin1.GetString(input), out var description, out _))
            {
                return;
            }

            foreach (var media in description.Media)
            {
                SdpMediaAttributes.Direction(description, media);
                foreach (var attribute in media.Attributes)
                {
                    var value = attribute.Value ?? "";
                    SdpMediaAttributes.TryParseRtpMap(value, out _);
                    SdpMediaAttributes.TryParseFormat(value, out _, out _);
                    SdpMediaAttributes.TryParseExtensionMap(value, out _);
                    SdpMediaAttributes.TryParseFeedback(value, out _);
                    SdpMediaAttributes.TryParseFingerprint(value, out _);
                    SdpMediaAttributes.TryParseSource(value, out _, out _, out _);
                }
            }

            var text = SdpWriter.Write(description);
            if (!SdpParser.TryParse(text, out var again, out var error) || SdpWriter.Write(again) != text)
            {
                throw new InvalidOperationException($"What was written does not read back: {error}");
            }
        });
    }

    /// <summary>Whatever is taken can be answered, and the answer is a description; what is not has a reason. Nothing throws.</summary>
    [Fact]
    public void Offers_Mutations_AreAnsweredOrRefused()
    {
        byte[][] seeds = [.. SdpSamples.Names.Select(n => Encoding.Latin1.GetBytes(SdpSamples.Read(n))).Where(s => s.Length <= 2_000)];
        var reader = new SdpOfferReader(SupportedCapabilities.Create(withRed: true), takesVideo: true);
        Assert.True(reader.TryRead(SdpSamples.Read("chromium-one"), out var client, out _));
        var taken = 0;
        Fuzz.Run(seeds, input =>
        {
            if (!SdpServerOffer.TryReadAnswer(client, Encoding.Latin1.GetString(input), out _, out var unanswered))
            {
                Assert.NotEmpty(unanswered.Message);
            }

            if (!reader.TryRead(Encoding.Latin1.GetString(input), out var offer, out var fault))
            {
                Assert.NotEmpty(fault.Message);
                return;
            }

            taken++;
            foreach (var section in offer.Sections.Where(s => s.IsTaken))
            {
                // Too much in one section is refused by the node that reads it, with a reason of its own.
                RtpParameters.TryParse(section.SendParameters?.ToJson() ?? "{}", out _, out _);
                RtpParameters.TryParse(section.ReceiveParameters?.ToJson() ?? "{}", out _, out _);
            }

            SdpAnswerTests.Write(
                offer,
                [.. offer.Sections.Where(s => s.SendParameters is not null).Select(s => s.Mid)],
                [.. offer.Sections.Where(s => s.ReceiveParameters is not null).Select(s => s.Mid)]);
        });
        Assert.True(taken > 0);
    }
}
