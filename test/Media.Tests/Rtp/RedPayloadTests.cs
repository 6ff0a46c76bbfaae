using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Rtp;

public sealed class RedPayloadTests
{
    private static readonly byte[] Primary = [0x78, 1, 2, 3];

    [Fact]
    public void Payload_WithTwoCopies_GivesThemOldestFirstAndThePrimary()
    {
        byte[] older = [0x78, 4];
        byte[] last = new byte[1_023];
        Assert.True(RedPayload.TryParse(RedundantSound.Payload(Primary, (16_383, older), (960, last)), 111, out var red));
        Assert.Equal(2, red.Copies);
        Assert.Equal(Primary, red.Primary.ToArray());
        var found = new List<(int, uint, byte[])>();
        foreach (var copy in red)
        {
            found.Add((copy.Back, copy.TimestampOffset, copy.Payload.ToArray()));
        }

        Assert.Equal([(2, 16_383u), (1, 960u)], found.Select(c => (c.Item1, c.Item2)));
        Assert.Equal([older, last], found.Select(c => c.Item3));
    }

    [Fact]
    public void Payload_AsChromiumSendsIt_IsRead()
    {
        // The first has no copy; the second one of 3 bytes, 960 samples ago: F=1, PT 111, 00001111000000, 0000000011.
        Assert.True(RedPayload.TryParse(Convert.FromHexString("6F" + "78010203"), 111, out var first));
        Assert.Equal((0, 1), (first.Copies, first.PrimaryAt));
        Assert.Equal(Primary, first.Primary.ToArray());
        Assert.True(RedPayload.TryParse(Convert.FromHexString("EF0F0003" + "6F" + "780405" + "78010203"), 111, out var second));
        Assert.Equal((1, 8), (second.Copies, second.PrimaryAt));
        Assert.Equal(Primary, second.Primary.ToArray());
        foreach (var copy in second)
        {
            Assert.Equal((1, 960u, "780405"), (copy.Back, copy.TimestampOffset, Convert.ToHexString(copy.Payload)));
        }
    }

    [Theory]
    [InlineData("", "nothing")]
    [InlineData("EF", "a header that is cut off")]
    [InlineData("EF0F00", "a header that is cut off")]
    [InlineData("EF0F0003", "no primary header")]
    [InlineData("EF0F00036F", "no bytes")]
    [InlineData("EF0F00036F7804", "a copy longer than the packet")]
    [InlineData("EF0F03FF6F780405780102", "a copy far longer than the packet")]
    [InlineData("EF0F00036F780405", "no primary block")]
    [InlineData("6F", "no primary block")]
    [InlineData("EFFFFFFFEFFFFFFFEFFFFFFF6F00", "lengths that add up to more than there is")]
    [InlineData("EF0F0003EF0F0003EF0F0003", "headers only")]
    [InlineData("6078010203", "a primary of another payload type")]
    [InlineData("E00F00036F78040578010203", "a copy of another payload type")]
    public void Payload_Malformed_IsRefused(string hex, string why)
        => Assert.False(RedPayload.TryParse(Convert.FromHexString(hex), 111, out _), why);

    [Fact]
    public void PayloadType_IsWrittenIntoEveryHeader_AndNothingElse()
    {
        var payload = RedundantSound.Payload(Primary, (1_920, [0xEF, 0x6F]), (960, [0xEF]));
        var before = payload.ToArray();
        RedPayload.SetPayloadType(payload, 100);
        Assert.Equal([0, 4, 8], Enumerable.Range(0, payload.Length).Where(i => payload[i] != before[i]));
        Assert.True(RedPayload.TryParse(payload, 100, out _));
        RedPayload.SetPayloadType(payload, 111);
        Assert.Equal(before, payload);
    }
}
