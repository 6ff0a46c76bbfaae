using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Rtp;

public class RtpPacketTests
{
    [Fact]
    public void TryParse_HeaderWithCsrcExtensionAndPadding_ReadsEachPart()
    {
        byte[] bytes =
        [
            0xB1, 0xE0, 0x12, 0x34, 0, 0, 0, 9, 0, 0, 0, 7,
            0, 0, 0, 1,
            0xBE, 0xDE, 0, 1, 0x10, 0xAA, 0, 0,
            1, 2, 3,
            0, 0, 3,
        ];

        Assert.True(RtpPacket.TryParse(bytes, out var packet));
        Assert.True(packet.Marker);
        Assert.Equal(96, packet.PayloadType.Value);
        Assert.Equal(0x1234, packet.SequenceNumber.Value);
        Assert.Equal(9u, packet.Timestamp);
        Assert.Equal(new Ssrc(7), packet.Ssrc);
        Assert.Equal(24, packet.HeaderLength);
        Assert.Equal([1, 2, 3], packet.Payload.ToArray());
        Assert.True(packet.TryGetExtension(1, out var value));
        Assert.Equal([0xAA], value.ToArray());
    }

    [Theory]
    [InlineData("80")]
    [InlineData("406000010000000000000001")]
    [InlineData("8F6000010000000000000001")]
    [InlineData("906000010000000000000001BEDE0002AABBCCDD")]
    [InlineData("A0600001000000000000000100")]
    [InlineData("A0600001000000000000000105")]
    [InlineData("A06000010000000000000001")]
    public void TryParse_LengthsThatDoNotAddUp_IsFalse(string hex)
        => Assert.False(RtpPacket.TryParse(Convert.FromHexString(hex), out _));

    // RFC 8285 §4.2 and §4.3, the figures' own layouts.
    [Theory]
    [InlineData("906000010000000000000001" + "10000003" + "0100" + "0201AA" + "00" + "0303010203" + "00", 2, "AA")]
    [InlineData("906000010000000000000001" + "10050003" + "0100" + "0201AA" + "00" + "0303010203" + "00", 3, "010203")]
    [InlineData("906000010000000000000001BEDE0003" + "10AA" + "21BBBB" + "0000" + "33CCCCCCCC", 3, "CCCCCCCC")]
    public void Extensions_OneAndTwoByteForms_AreRead(string hex, byte id, string expected)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.True(RtpPacket.TryParse(bytes, out var packet));
        Assert.True(packet.TryGetExtension(id, out var value));
        Assert.Equal(Convert.FromHexString(expected), value.ToArray());
    }

    [Fact]
    public void Extensions_ElementThatOverruns_EndsTheReading()
    {
        var bytes = Convert.FromHexString("906000010000000000000001BEDE0001" + "10AA3FBB");
        Assert.True(RtpPacket.TryParse(bytes, out var packet));
        Assert.True(packet.TryGetExtension(1, out _));
        Assert.False(packet.TryGetExtension(3, out _));
    }

    [Fact]
    public void Extensions_Id15_EndsTheReading()
    {
        var bytes = Convert.FromHexString("906000010000000000000001BEDE0001" + "F010AA00");
        Assert.True(RtpPacket.TryParse(bytes, out var packet));
        Assert.False(packet.TryGetExtension(1, out _));
    }

    [Fact]
    public void Restore_Retransmission_GivesTheOriginal()
    {
        // RFC 4588 §4: the original sequence number comes first in the payload.
        var bytes = MediaFixtures.Packet(97, 2, 5, 1234, [0x11, 0x22, 9, 8, 7], 1, [0xAA], marker: true);
        Assert.True(RtpPacket.TryParse(bytes, out var rtx));
        Assert.True(Rtx.TryRestore(rtx, new Ssrc(1), new PayloadType(96), out var original));
        Assert.Equal(0x1122, original.SequenceNumber.Value);
        Assert.Equal(new Ssrc(1), original.Ssrc);
        Assert.Equal(96, original.PayloadType.Value);
        Assert.Equal(1234u, original.Timestamp);
        Assert.True(original.Marker);
        Assert.Equal([9, 8, 7], original.Payload.ToArray());
        Assert.True(original.TryGetExtension(1, out var value));
        Assert.Equal(0xAA, value[0]);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("abcdefghijklmnop")]
    public void Mid_TextToValueAndBack_IsTheSame(string text)
    {
        Assert.True(Mid.TryParse(text, out var mid));
        Assert.Equal(text, mid.ToString());
        Assert.True(Mid.TryParse(System.Text.Encoding.ASCII.GetBytes(text), out var same));
        Assert.Equal(mid, same);
    }

    [Fact]
    public void NtpTime_UnixEpoch_Is2208988800Seconds()
    {
        Assert.Equal(2_208_988_800UL << 32, NtpTime.FromUnixMicroseconds(0).Value);
        Assert.Equal(1_500_000, NtpTime.FromUnixMicroseconds(1_500_000).ToUnixMicroseconds());

        // abs-send-time is 6.18 fixed point: half a second is 2^17.
        Assert.Equal((2_208_988_800UL & 63) << 18 | (1 << 17), NtpTime.FromUnixMicroseconds(500_000).ToAbsSendTime());
    }
}
