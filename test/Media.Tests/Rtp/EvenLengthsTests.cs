using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Rtp;

public sealed class EvenLengthsTests
{
    private const int Room = 1_400;

    [Fact]
    public void Apply_PacketsThatLeaveTogether_HaveTheLengthOfTheLongest()
    {
        var lengths = default(EvenLengths);
        Assert.Equal([150, 150, 101, 160, 160], Lengths(ref lengths, 1, 150, 120, 101, 160, 130));

        // The batch before had 160 as its longest.
        Assert.Equal([160, 160, 160, 160], Lengths(ref lengths, 2, 130, 150, 160, 141));
    }

    [Fact]
    public void Apply_Padded_IsAPacketOfTheSamePayload()
    {
        var lengths = default(EvenLengths);
        Lengths(ref lengths, 1, 160, 160);
        var packet = new byte[Room];
        packet.AsSpan().Fill(0xEE);
        packet.AsSpan(0, 12).Clear();
        packet[0] = 0x80;
        packet[1] = 111;

        var length = lengths.Apply(packet, 140, Room, 2);

        Assert.Equal(160, length);
        Assert.True(RtpPacket.TryParse(packet.AsSpan(0, length), out var parsed));
        Assert.Equal(128, parsed.Payload.Length);
        Assert.Equal(0xEE, parsed.Payload[^1]);
        Assert.Equal(new byte[19], packet[140..159]);
        Assert.Equal(20, packet[159]);
    }

    [Theory]
    [InlineData(0, 140)] // Nothing leaves together.
    [InlineData(2, 111)] // 49 bytes are too many.
    [InlineData(2, 160)]
    [InlineData(2, 161)]
    public void Apply_WhatDoesNotPay_IsLeftAlone(long batch, int length)
    {
        var lengths = default(EvenLengths);
        Lengths(ref lengths, 1, 160, 160);

        Assert.Equal([length], Lengths(ref lengths, batch, length));
    }

    [Fact]
    public void Apply_OnePacketABatch_IsNeverPadded()
    {
        var lengths = default(EvenLengths);
        for (var batch = 1; batch < 20; batch++)
        {
            Assert.Equal([150 - batch], Lengths(ref lengths, batch, 150 - batch));
        }
    }

    [Fact]
    public void Apply_PaddedAlready_IsLeftAlone()
    {
        var lengths = default(EvenLengths);
        Lengths(ref lengths, 1, 160, 160);
        var packet = new byte[Room];
        packet[0] = 0xA0;

        Assert.Equal(150, lengths.Apply(packet, 150, Room, 2));
    }

    [Fact]
    public void Apply_NoRoom_IsLeftAlone()
    {
        var lengths = default(EvenLengths);
        Lengths(ref lengths, 1, 160, 160);
        var packet = new byte[Room];
        packet[0] = 0x80;

        Assert.Equal(150, lengths.Apply(packet, 150, 159, 2));
    }

    private static int[] Lengths(ref EvenLengths lengths, long batch, params int[] packets)
    {
        var results = new int[packets.Length];
        for (var i = 0; i < packets.Length; i++)
        {
            var packet = new byte[Room];
            packet[0] = 0x80;
            results[i] = lengths.Apply(packet, packets[i], Room, batch);
        }

        return results;
    }
}
