using System.Text;
using VoiceCluster.ApiFrontend.SocketIo;
using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.Tests.SocketIo;

public sealed class SocketPacketTests
{
    [Theory]
    [InlineData("0", "Connect", "/", null, null)]
    [InlineData("0/admin,{\"sid\":\"x\"}", "Connect", "/admin", null, "{\"sid\":\"x\"}")]
    [InlineData("0/admin?a=b,", "Connect", "/admin", null, null)]
    [InlineData("0/admin", "Connect", "/admin", null, null)]
    [InlineData("1/admin,", "Disconnect", "/admin", null, null)]
    [InlineData("2[\"foo\"]", "Event", "/", null, "[\"foo\"]")]
    [InlineData("2/admin,12[\"foo\",1]", "Event", "/admin", 12L, "[\"foo\",1]")]
    [InlineData("3/admin,13[\"bar\"]", "Ack", "/admin", 13L, "[\"bar\"]")]
    [InlineData("30[]", "Ack", "/", 0L, "[]")]
    public void TryParse_ExamplesOfTheProtocol_GiveTheirParts(string text, string type, string ns, long? id, string? payload)
    {
        Assert.True(TryParse(text, out SocketPacket packet));
        Assert.Equal(Enum.Parse<SocketPacketType>(type), packet.Type);
        Assert.Equal(ns, packet.Namespace);
        Assert.Equal(id, packet.Id);
        Assert.Equal(payload, packet.Payload.ValueKind == System.Text.Json.JsonValueKind.Undefined ? null : packet.Payload.GetRawText());
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("2")]
    [InlineData("2[]")]
    [InlineData("2[1]")]
    [InlineData("2{}")]
    [InlineData("2[\"a\"")]
    [InlineData("2[\"a\"]x")]
    [InlineData("2[\"a\"][\"b\"]")]
    [InlineData("2[\"connect\"]")]
    [InlineData("2[\"disconnect\"]")]
    [InlineData("2[\"\\ud800\"]")]
    [InlineData("2[\"a\",{\"\\uDfff\":1}]")]
    [InlineData("29999999999999999[\"a\"]")]
    [InlineData("3[\"a\"]")]
    [InlineData("31{}")]
    [InlineData("0[]")]
    [InlineData("0\"x\"")]
    [InlineData("1{}")]
    [InlineData("5[\"a\"]")]
    [InlineData("5-[\"a\"]")]
    [InlineData("517-[\"a\"]")]
    [InlineData("51-[\"a\",{\"_placeholder\":true,\"num\":1}]")]
    [InlineData("51-[\"a\",{\"_placeholder\":true,\"num\":-1}]")]
    [InlineData("51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]")]
    [InlineData("51-[\"a\",{\"b\":[{\"_placeholder\":true}]}]")]
    public void TryParse_Malformed_SaysFalse(string text) => Assert.False(TryParse(text, out _));

    [Fact]
    public void TryParse_NestingBomb_SaysFalse()
        => Assert.False(TryParse($"2[\"a\",{new string('[', 10_000)}{new string(']', 10_000)}]", out _));

    [Fact]
    public void TryParse_LongNamespace_SaysFalse() => Assert.False(TryParse($"0/{new string('a', 200)},", out _));

    [Fact]
    public void Decode_BinaryEvent_WaitsForItsAttachments()
    {
        var decoder = new SocketPacketDecoder(16, 32, 1_000_000);
        Assert.Equal(
            DecodeResult.NeedMore,
            decoder.Decode(Text("52-/admin,456[\"x\",{\"_placeholder\":true,\"num\":0},{\"b\":{\"_placeholder\":true,\"num\":1}}]"), out _, out _));
        Assert.Equal(DecodeResult.NeedMore, decoder.Decode(EnginePacket.FromBinary(new byte[] { 1 }), out _, out _));
        Assert.Equal(
            DecodeResult.Packet,
            decoder.Decode(EnginePacket.FromBinary(new byte[] { 2 }), out SocketPacket packet, out ReadOnlyMemory<byte>[] attachments));
        Assert.Equal(456, packet.Id);
        Assert.Equal([1, 2], attachments.Select(a => a.Span[0]));

        SocketIoPayload payload = SocketIoPayload.AfterName(packet.Payload, attachments);
        Assert.True(payload.TryGetBinary(payload.Items[1].GetProperty("b"), out ReadOnlyMemory<byte> data));
        Assert.Equal(2, data.Span[0]);
    }

    [Fact]
    public void Decode_AttachmentWithoutPacket_IsMalformed()
        => Assert.Equal(
            DecodeResult.Malformed,
            new SocketPacketDecoder(16, 32, 1000).Decode(EnginePacket.FromBinary(new byte[1]), out _, out _));

    [Fact]
    public void Decode_TextBetweenAttachments_IsMalformed()
    {
        var decoder = new SocketPacketDecoder(16, 32, 1000);
        decoder.Decode(Text("51-[\"x\",{\"_placeholder\":true,\"num\":0}]"), out _, out _);
        Assert.Equal(DecodeResult.Malformed, decoder.Decode(Text("2[\"y\"]"), out _, out _));
    }

    [Fact]
    public void Decode_AttachmentsPastTheBound_AreMalformed()
    {
        var decoder = new SocketPacketDecoder(16, 32, 1000);
        decoder.Decode(Text("52-[\"x\",{\"_placeholder\":true,\"num\":0}]"), out _, out _);
        Assert.Equal(DecodeResult.NeedMore, decoder.Decode(EnginePacket.FromBinary(new byte[600]), out _, out _));
        Assert.Equal(DecodeResult.Malformed, decoder.Decode(EnginePacket.FromBinary(new byte[600]), out _, out _));
    }

    [Fact]
    public void Write_Event_HasTheWireFormOfTheProtocol()
    {
        SocketIoPayload payload = SocketIoPayload.Of(json => json.WriteNumberValue(1));
        Assert.Equal("42/admin,12[\"foo\",1]", Text(SocketPacketWriter.Event("/admin", "foo", payload, 12, null)[0]));
        Assert.Equal("42[\"foo\",1,\"7\"]", Text(SocketPacketWriter.Event("/", "foo", payload, null, "7")[0]));
        Assert.Equal("43/admin,3[1]", Text(SocketPacketWriter.Ack("/admin", 3, payload)[0]));
        Assert.Equal("40/admin,{\"sid\":\"s\",\"pid\":\"p\"}", Text(SocketPacketWriter.Connect("/admin", "s", "p")));
        Assert.Equal("41/admin,", Text(SocketPacketWriter.Disconnect("/admin")));
        EngineFrame[] binary = SocketPacketWriter.Event("/", "foo", SocketIoPayload.OfBinary(new byte[] { 5 }), null, null);
        Assert.Equal("451-[\"foo\",{\"_placeholder\":true,\"num\":0}]", Text(binary[0]));
        Assert.True(binary[1].IsBinary);
    }

    [Fact]
    public void ReplayLog_KnownOffset_GivesWhatFollowed()
    {
        var log = new SocketIoReplayLog(maxEvents: 3, maxBytes: 1000);
        Assert.True(log.TryGetAfter(null, out List<EngineFrame[]> none));
        Assert.Empty(none);
        for (int i = 1; i <= 5; i++)
        {
            Assert.Equal(i.ToString(), log.NextOffset);
            log.Add([new EngineFrame(new byte[] { (byte)i }, IsBinary: true)]);
        }

        Assert.True(log.TryGetAfter("3", out List<EngineFrame[]> missed));
        Assert.Equal([4, 5], missed.Select(f => f[0].Bytes.Span[0]));
        Assert.True(log.TryGetAfter("2", out missed));
        Assert.Equal(3, missed.Count);
        Assert.True(log.TryGetAfter("5", out missed));
        Assert.Empty(missed);
        Assert.False(log.TryGetAfter("1", out _));
        Assert.False(log.TryGetAfter("6", out _));
        Assert.False(log.TryGetAfter(null, out _));
        Assert.False(log.TryGetAfter("x", out _));
    }

    private static EnginePacket Text(string text) => new(EnginePacketType.Message, Encoding.UTF8.GetBytes(text), IsBinary: false);

    private static string Text(EngineFrame frame) => Encoding.UTF8.GetString(frame.Bytes.Span);

    private static bool TryParse(string text, out SocketPacket packet)
        => SocketPacketParser.TryParse(Encoding.UTF8.GetBytes(text), 16, 32, out packet);
}
