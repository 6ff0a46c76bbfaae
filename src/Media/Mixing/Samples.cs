using System.Numerics;

namespace VoiceCluster.Media.Mixing;

/// <summary>Sums over frames of samples, several at a time.</summary>
internal static class Samples
{
    public static void Add(Span<float> sum, ReadOnlySpan<float> frame)
    {
        var i = 0;
        for (; i <= sum.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(sum[i..]) + new Vector<float>(frame[i..])).CopyTo(sum[i..]);
        }

        for (; i < sum.Length; i++)
        {
            sum[i] += frame[i];
        }
    }

    public static void Subtract(Span<float> sum, ReadOnlySpan<float> frame)
    {
        var i = 0;
        for (; i <= sum.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(sum[i..]) - new Vector<float>(frame[i..])).CopyTo(sum[i..]);
        }

        for (; i < sum.Length; i++)
        {
            sum[i] -= frame[i];
        }
    }

    /// <summary>The greatest magnitude.</summary>
    public static float Peak(ReadOnlySpan<float> frame)
    {
        var most = Vector<float>.Zero;
        var i = 0;
        for (; i <= frame.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            most = Vector.Max(most, Vector.Abs(new Vector<float>(frame[i..])));
        }

        var peak = 0f;
        for (var lane = 0; lane < Vector<float>.Count; lane++)
        {
            peak = Math.Max(peak, most[lane]);
        }

        for (; i < frame.Length; i++)
        {
            peak = Math.Max(peak, Math.Abs(frame[i]));
        }

        return peak;
    }

    /// <summary>Mean power; a full-scale square wave has 1.</summary>
    public static double Power(ReadOnlySpan<float> frame)
    {
        var sum = 0d;
        foreach (var sample in frame)
        {
            sum += (double)sample * sample;
        }

        return frame.IsEmpty ? 0 : sum / frame.Length;
    }
}
