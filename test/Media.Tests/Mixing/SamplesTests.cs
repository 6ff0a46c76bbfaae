using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Mixing;

namespace VoiceCluster.Media.Tests.Mixing;

public sealed class SamplesTests
{
    [Theory]
    [InlineData(7)]
    [InlineData(960)]
    public void Sums_OfAnyLength_AreThoseOfEachSample(int length)
    {
        var random = new Random(length);
        float[] a = [.. Enumerable.Range(0, length).Select(_ => random.NextSingle() - 0.5f)];
        float[] b = [.. Enumerable.Range(0, length).Select(_ => random.NextSingle() - 0.5f)];
        float[] sum = [.. a];
        Samples.Add(sum, b);
        Assert.Equal(a.Zip(b, (x, y) => x + y), sum);
        Samples.Subtract(sum, b);
        Assert.All(sum.Zip(a), p => Assert.Equal(p.Second, p.First, 5));
        Assert.Equal(a.Max(Math.Abs), Samples.Peak(a));
    }

    [Theory]
    [InlineData(float.NaN, 3)]
    [InlineData(float.PositiveInfinity, 959)]
    [InlineData(float.NegativeInfinity, 500)]
    public void AreFinite_FindsOneBadSample(float bad, int at)
    {
        var frame = new float[960];
        frame.AsSpan().Fill(-0.7f);
        Assert.True(Samples.AreFinite(frame));
        frame[at] = bad;
        Assert.False(Samples.AreFinite(frame));
    }

    [Theory]
    [InlineData(1.0, 3)]
    [InlineData(0.1, 23)]
    [InlineData(0.0, 127)]
    public void Level_OfASine_IsItsPowerInDbov(double amplitude, int level)
    {
        float[] sine = [.. Enumerable.Range(0, 960).Select(i => (float)(amplitude * Math.Sin(2 * Math.PI * i / 48)))];
        Assert.Equal(level, AudioLevel.Of(sine).Level);
    }

    [Fact]
    public void Limiter_LeavesAQuietFrameAsItIs_AndComesBackSlowly()
    {
        var limiter = new Limiter();
        float[] quiet = [.. Enumerable.Range(0, 960).Select(i => 0.5f * MathF.Sin(i * 0.1f))];
        float[] frame = [.. quiet];
        limiter.Apply(frame);
        Assert.Equal(quiet, frame);

        float[] loud = [.. quiet.Select(s => s * 8)];
        limiter.Apply(loud);
        Assert.True(loud.Max(Math.Abs) < 0.951f);
        frame = [.. quiet];
        limiter.Apply(frame);
        Assert.InRange(frame.Max(Math.Abs), 0.1f, 0.14f);
        for (var i = 0; i < 40; i++)
        {
            frame = [.. quiet];
            limiter.Apply(frame);
        }

        Assert.Equal(quiet, frame);
    }
}
