using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Workers;

public sealed class DatagramKindTests
{
    [Theory]
    [InlineData(0, 1, 20, DatagramKind.Stun)]
    [InlineData(3, 1, 20, DatagramKind.Stun)]
    [InlineData(0, 1, 19, DatagramKind.Unknown)]
    [InlineData(4, 1, 100, DatagramKind.Unknown)]
    [InlineData(20, 254, 13, DatagramKind.Dtls)]
    [InlineData(63, 254, 13, DatagramKind.Dtls)]
    [InlineData(22, 254, 12, DatagramKind.Unknown)]
    [InlineData(64, 0, 100, DatagramKind.Unknown)]
    [InlineData(0x80, 111, 12, DatagramKind.Rtp)]
    [InlineData(0x80, 111 | 0x80, 12, DatagramKind.Rtp)]
    [InlineData(0xBF, 111, 12, DatagramKind.Rtp)]
    [InlineData(0x80, 111, 11, DatagramKind.Unknown)]
    [InlineData(0x80, 200, 8, DatagramKind.Rtcp)]
    [InlineData(0x81, 192, 8, DatagramKind.Rtcp)]
    [InlineData(0x81, 223, 8, DatagramKind.Rtcp)]
    [InlineData(0x81, 224, 12, DatagramKind.Rtp)]
    [InlineData(0x80, 200, 7, DatagramKind.Unknown)]
    [InlineData(0xC0, 111, 100, DatagramKind.Unknown)]
    public void Classify_FirstBytes_FollowsRfc7983(byte first, byte second, int length, DatagramKind expected)
    {
        var datagram = new byte[length];
        datagram[0] = first;
        datagram[1] = second;
        Assert.Equal(expected, DatagramKinds.Classify(datagram));
    }

    [Fact]
    public void Classify_Empty_IsUnknown() => Assert.Equal(DatagramKind.Unknown, DatagramKinds.Classify([]));
}
