using System.Buffers;
using System.Text;
using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.Tests.SocketIo;

public sealed class EnginePayloadTests
{
    [Fact]
    public void TryParse_ExampleOfTheProtocol_GivesItsPackets()
    {
        // Engine.IO protocol 4, "Payload": "4hello\x1e2\x1e4world", and a binary packet as base64.
        List<EnginePacket> packets = [];
        Assert.True(EnginePayload.TryParse(Encoding.UTF8.GetBytes("4hello\u001e2\u001e4world\u001ebAQIDBA=="), 16, packets));
        Assert.Equal(
            [EnginePacketType.Message, EnginePacketType.Ping, EnginePacketType.Message, EnginePacketType.Message],
            packets.Select(p => p.Type));
        Assert.Equal("hello", Encoding.UTF8.GetString(packets[0].Data.Span));
        Assert.True(packets[3].IsBinary);
        Assert.Equal([1, 2, 3, 4], packets[3].Data.ToArray());
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("x")]
    [InlineData("4a\u001e")]
    [InlineData("\u001e4a")]
    [InlineData("bAQI*")]
    [InlineData("bAQI")]
    public void TryParse_Malformed_SaysFalse(string body) => Assert.False(EnginePayload.TryParse(Encoding.UTF8.GetBytes(body), 16, []));

    [Fact]
    public void TryParse_MorePacketsThanAllowed_SaysFalse()
        => Assert.False(EnginePayload.TryParse(Encoding.UTF8.GetBytes(string.Join('\u001e', Enumerable.Repeat("2", 17))), 16, []));

    [Fact]
    public void TryParse_BrokenUtf8_SaysFalse()
        => Assert.False(EnginePayload.TryParse(new byte[] { (byte)'4', 0xc3, 0x28 }, 16, []));

    [Fact]
    public void Write_TextAndBinary_IsReadBack()
    {
        var body = new ArrayBufferWriter<byte>();
        EnginePayload.Write([EngineFrame.Ping, new EngineFrame(new byte[] { 9, 8, 7, 6, 5 }, IsBinary: true), EngineFrame.Noop], body);
        List<EnginePacket> packets = [];
        Assert.True(EnginePayload.TryParse(body.WrittenMemory, 16, packets));
        Assert.Equal([EnginePacketType.Ping, EnginePacketType.Message, EnginePacketType.Noop], packets.Select(p => p.Type));
        Assert.Equal([9, 8, 7, 6, 5], packets[1].Data.ToArray());
    }
}
