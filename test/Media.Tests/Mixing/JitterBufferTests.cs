using VoiceCluster.Media.Mixing;

namespace VoiceCluster.Media.Tests.Mixing;

public sealed class JitterBufferTests
{
    [Fact]
    public void Packets_OutOfOrder_ComeBackInOrderWithTheirBytes()
    {
        var buffer = new JitterBuffer();
        foreach (var sequence in (long[])[103, 101, 102, 100])
        {
            Assert.True(buffer.TryStore(sequence, sequence * 960, 960, [(byte)sequence, 1, 2]));
        }

        Assert.False(buffer.TryStore(102, 0, 960, [9]));
        for (var sequence = 100L; sequence < 104; sequence++)
        {
            Assert.True(buffer.TryGetFrom(sequence, out var packet));
            Assert.Equal(sequence, packet.Sequence);
            Assert.Equal([(byte)sequence, 1, 2], packet.Payload.ToArray());
            buffer.RemoveTo(sequence);
        }

        Assert.Equal(0, buffer.Count);
    }

    [Fact]
    public void Overflow_OfPacketsOrBytes_DropsTheOldest()
    {
        var buffer = new JitterBuffer();
        var payload = new byte[1_000];
        for (var sequence = 0L; sequence < 200; sequence++)
        {
            payload.AsSpan().Fill((byte)sequence);
            Assert.True(buffer.TryStore(sequence, sequence * 960, 960, payload));
        }

        Assert.True(buffer.TryGetFrom(0, out var first));
        Assert.InRange(first.Sequence, 180, 190);
        for (var sequence = first.Sequence; sequence < 200; sequence++)
        {
            Assert.True(buffer.TryGet(sequence, out var packet));
            Assert.All(packet.Payload.ToArray(), b => Assert.Equal((byte)sequence, b));
        }

        Assert.Equal(200 - first.Sequence, buffer.Count);
    }

    [Fact]
    public void Oversized_Packet_IsRefused() => Assert.False(new JitterBuffer().TryStore(1, 0, 960, new byte[JitterBuffer.MaxPacket + 1]));
}
