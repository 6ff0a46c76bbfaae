using Concentus;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Fuzzing;

namespace VoiceCluster.Media.Tests.Mixing;

public sealed class OpusPacketTests
{
    [Theory]
    [InlineData("78AABB", 960)]
    [InlineData("F8FFFE", 960)]
    [InlineData("00", 480)]
    [InlineData("18", 2_880)]
    [InlineData("80", 120)]
    [InlineData("79AABB", 1_920)]
    [InlineData("7A01AABB", 1_920)]
    [InlineData("7B03AABBCC", 2_880)]
    public void Samples_OfAValidPacket_AreItsDuration(string hex, int samples)
    {
        Assert.True(Opus.TryGetSamples(Convert.FromHexString(hex), out var found));
        Assert.Equal(samples, found);
    }

    [Theory]
    [InlineData("")]
    [InlineData("79AA")]
    [InlineData("7A")]
    [InlineData("7A05AA")]
    [InlineData("7B")]
    [InlineData("7B00")]
    [InlineData("7B3FAABB")]
    [InlineData("7B43")]
    [InlineData("7B41FF")]
    public void Samples_OfAMalformedPacket_AreRefused(string hex) => Assert.False(Opus.TryGetSamples(Convert.FromHexString(hex), out _));

    [Fact]
    public void MutatedPackets_AreRefusedExactlyWhenTheDecoderRefusesThem()
    {
        using var decoder = OpusCodecFactory.CreateDecoder(48_000, 1);
        var pcm = new float[Opus.MaxSamples];
        byte[][] seeds = [Convert.FromHexString("78AABBCCDD"), Convert.FromHexString("7A02AABBCCDD"), Convert.FromHexString("7B83010100AABB"), Convert.FromHexString("FB4205AABBCCDDEEFF0000000000")];
        Fuzz.Run(seeds, input =>
        {
            if (Opus.TryGetSamples(input, out var samples))
            {
                Assert.Equal(samples, decoder.Decode(input, pcm, pcm.Length));
            }
            else if (!input.IsEmpty)
            {
                var copy = input.ToArray();
                Assert.Throws<OpusException>(() => decoder.Decode(copy, pcm, pcm.Length));
            }
        });
    }
}
