using System.Text.Json;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

public class ParameterTests
{
    [Fact]
    public void RouterCapabilities_Json_HasWhatMediasoupClientRequires()
    {
        using var json = JsonDocument.Parse(Router.RtpCapabilities.ToJson());
        var codecs = json.RootElement.GetProperty("codecs").EnumerateArray().ToArray();
        Assert.All(codecs, c => Assert.True(c.TryGetProperty("preferredPayloadType", out _)));
        Assert.Equal(codecs.Length, codecs.Select(c => c.GetProperty("preferredPayloadType").GetInt32()).Distinct().Count());
        Assert.Equal("audio", codecs[0].GetProperty("kind").GetString());
        Assert.Equal(2, codecs[0].GetProperty("channels").GetInt32());
        for (var i = 1; i < codecs.Length; i += 2)
        {
            Assert.Equal("video/rtx", codecs[i + 1].GetProperty("mimeType").GetString());
            Assert.Equal(codecs[i].GetProperty("preferredPayloadType").GetInt32(), codecs[i + 1].GetProperty("parameters").GetProperty("apt").GetInt32());
        }

        var extension = json.RootElement.GetProperty("headerExtensions")[2];
        Assert.Equal("recvonly", extension.GetProperty("direction").GetString());
        Assert.Equal(2, extension.GetProperty("preferredId").GetInt32());
        Assert.False(extension.GetProperty("preferredEncrypt").GetBoolean());
    }

    [Fact]
    public void RouterCapabilities_ThroughJson_ParseAgain()
    {
        Assert.True(RtpCapabilities.TryParse(Router.RtpCapabilities.ToJson(), out var again, out _));
        Assert.Equal(Router.RtpCapabilities.Codecs.Length, again.Codecs.Length);
    }

    [Fact]
    public void Consumer_OfVp8_HasTheRoutersNumbersAndOneEncoding()
    {
        var world = new TestRoom();
        world.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        var consumer = world.Receiver.Consume("c", "p", Router.RtpCapabilities, false, 0).Value!;
        var parameters = consumer.RtpParameters;

        Assert.Equal("0", parameters.Mid);
        Assert.Equal(["video/VP8", "video/rtx"], parameters.Codecs.Select(c => c.MimeType));
        Assert.Equal([101, 102], parameters.Codecs.Select(c => c.PayloadType));
        Assert.Equal(101, parameters.Codecs[1].Parameters["apt"].GetInt32());
        var encoding = Assert.Single(parameters.Encodings);
        Assert.NotNull(encoding.Ssrc);
        Assert.NotNull(encoding.Rtx);
        Assert.Equal("alice", parameters.Rtcp.Cname);
        Assert.True(parameters.Rtcp.ReducedSize);

        // With transport-cc agreed, goog-remb goes.
        Assert.Contains(parameters.Codecs[0].RtcpFeedback, f => f.Type == "transport-cc");
        Assert.DoesNotContain(parameters.Codecs[0].RtcpFeedback, f => f.Type == "goog-remb");
        Assert.DoesNotContain(parameters.HeaderExtensions, e => e.Uri == HeaderExtensionUris.RtpStreamId);
    }

    [Fact]
    public void Consumer_WithoutTransportCcExtension_KeepsRemb()
    {
        var world = new TestRoom();
        world.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        var capabilities = Router.RtpCapabilities with
        {
            HeaderExtensions = [.. Router.RtpCapabilities.HeaderExtensions.Where(e => e.Uri != HeaderExtensionUris.TransportWideCc)],
        };
        var feedback = world.Receiver.Consume("c", "p", capabilities, false, 0).Value!.RtpParameters.Codecs[0].RtcpFeedback;
        Assert.Contains(feedback, f => f.Type == "goog-remb");
        Assert.DoesNotContain(feedback, f => f.Type == "transport-cc");
    }

    [Fact]
    public void Consumer_OfAudio_HasNoTransportCc()
    {
        var world = new TestRoom();
        world.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        var parameters = world.Receiver.Consume("c", "p", Router.RtpCapabilities, false, 0).Value!.RtpParameters;
        Assert.Equal(100, Assert.Single(parameters.Codecs).PayloadType);
        Assert.Equal(1, parameters.Codecs[0].Parameters["useinbandfec"].GetInt32());
        Assert.DoesNotContain(parameters.Codecs[0].RtcpFeedback, f => f.Type == "transport-cc");
        Assert.DoesNotContain(parameters.HeaderExtensions, e => e.Uri == HeaderExtensionUris.TransportWideCc);
        Assert.Null(parameters.Encodings[0].Rtx);
    }

    [Fact]
    public void Consumer_SecondOnATransport_GetsTheNextMid()
    {
        var world = new TestRoom();
        world.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        world.Sender.Produce("q", MediaKind.Video, MediaFixtures.Video(10), false, 0);
        world.Receiver.Consume("c", "p", Router.RtpCapabilities, false, 0);
        Assert.Equal("1", world.Receiver.Consume("d", "q", Router.RtpCapabilities, false, 0).Value!.RtpParameters.Mid);
    }

    [Fact]
    public void Consume_NoCommonCodec_IsUnsupported()
    {
        var world = new TestRoom();
        world.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        var capabilities = Router.RtpCapabilities with { Codecs = [.. Router.RtpCapabilities.Codecs.Where(c => !c.MimeType.Contains("VP8"))] };
        var result = world.Receiver.Consume("c", "p", capabilities, false, 0);
        Assert.Equal(MediaFault.Unsupported, result.Fault);
        Assert.False(world.Router.CanConsume("p", capabilities));
        Assert.Empty(world.Router.Consumers);
    }

    [Theory]
    [InlineData("42e01f", true)]
    [InlineData("42c00d", true)]
    [InlineData("4d0032", true)]
    [InlineData("4d001f", true)]
    [InlineData("640c1f", false)]
    [InlineData("f4001f", false)]
    [InlineData("42001f", false)]
    [InlineData("zzz", false)]
    public void Produce_H264Profile_MatchesByProfileNotLevel(string profile, bool accepted)
    {
        var world = new TestRoom();
        var codec = new RtpCodecParameters
        {
            MimeType = "video/H264",
            PayloadType = 98,
            ClockRate = 90_000,
            Parameters = new() { ["profile-level-id"] = JsonElement.Parse($"\"{profile}\""), ["packetization-mode"] = JsonElement.Parse("1") },
        };
        var result = world.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1) with { Codecs = [codec] }, false, 0);
        Assert.Equal(accepted, result.IsOk);
    }

    [Theory]
    [InlineData("p", 5u, MediaFault.Conflict)]
    [InlineData("q", 1u, MediaFault.Conflict)]
    [InlineData("q", 5u, MediaFault.None)]
    public void Produce_SecondProducer_NeedsItsOwnIdAndSsrc(string id, uint ssrc, MediaFault expected)
    {
        var world = new TestRoom();
        Assert.True(world.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0).IsOk);
        Assert.Equal(expected, world.Sender.Produce(id, MediaKind.Audio, MediaFixtures.Audio(ssrc) with { Mid = "other" }, false, 0).Fault);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("{\"codecs\":null}")]
    [InlineData("{\"codecs\":[null]}")]
    [InlineData("{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":300,\"clockRate\":48000}]}")]
    [InlineData("{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":1,\"clockRate\":-1}]}")]
    [InlineData("{\"codecs\":[{\"mimeType\":\"x\",\"payloadType\":1,\"clockRate\":1}]}")]
    [InlineData("{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":1,\"clockRate\":1,\"parameters\":{\"a\":{\"b\":1}}}]}")]
    [InlineData("{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":1,\"clockRate\":1}],\"mid\":\"12345678901234567\"}")]
    [InlineData("{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":1,\"clockRate\":1}],\"encodings\":[{\"ssrc\":-1}]}")]
    [InlineData("{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":1,\"clockRate\":1}],\"headerExtensions\":[{\"uri\":\"u\",\"id\":0}]}")]
    [InlineData("{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":1,\"clockRate\":1}],\"rtcp\":7}")]
    public void TryParse_BadParameters_IsFalseWithAReason(string json)
    {
        Assert.False(RtpParameters.TryParse(json, out var parameters, out var error));
        Assert.Null(parameters);
        Assert.False(string.IsNullOrEmpty(error));
    }

    [Theory]
    [InlineData("{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":1,\"clockRate\":48000}]}")]
    [InlineData("{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":1,\"clockRate\":48000}],\"encodings\":null,\"rtcp\":null}")]
    public void TryParse_OnlyCodecs_IsEnough(string json)
    {
        Assert.True(RtpParameters.TryParse(json, out var parameters, out var error), error);
        Assert.Empty(parameters.Encodings);
        Assert.Empty(parameters.HeaderExtensions);
        Assert.Empty(parameters.Codecs[0].RtcpFeedback);
        Assert.Null(parameters.Rtcp.Cname);
    }

    [Fact]
    public void TryParse_NestingBomb_IsFalse()
        => Assert.False(RtpParameters.TryParse(string.Concat(Enumerable.Repeat("{\"codecs\":[", 2000)), out _, out _));

    [Fact]
    public void ConsumerParameters_ThroughJson_AreMediasoupsShape()
    {
        var world = new TestRoom();
        world.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        using var json = JsonDocument.Parse(world.Receiver.Consume("c", "p", Router.RtpCapabilities, false, 0).Value!.RtpParameters.ToJson());
        Assert.Equal(["mid", "codecs", "headerExtensions", "encodings", "rtcp"], json.RootElement.EnumerateObject().Select(p => p.Name));
        var encoding = json.RootElement.GetProperty("encodings")[0];
        Assert.Equal(["ssrc", "rtx"], encoding.EnumerateObject().Select(p => p.Name));
        Assert.Equal(JsonValueKind.Number, encoding.GetProperty("rtx").GetProperty("ssrc").ValueKind);
    }
}
