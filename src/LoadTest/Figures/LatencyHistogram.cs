using System.Numerics;

namespace VoiceCluster.LoadTest.Figures;

/// <summary>
/// Durations in buckets that grow with the value: 64 to an octave, so a percentile is right within 1.6%.
/// One thread adds; adding allocates nothing.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 6;
    private const int Buckets = (66 - SubBits) << SubBits;

    private readonly long[] _counts = new long[Buckets];

    /// <summary>Values added.</summary>
    public long Count { get; private set; }

    /// <summary>The largest value.</summary>
    public long Max { get; private set; }

    /// <summary>Adds a value; negative ones count as 0.</summary>
    public void Add(long value)
    {
        value = Math.Max(0, value);
        _counts[Bucket(value)]++;
        Count++;
        Max = Math.Max(Max, value);
    }

    /// <summary>Adds what another has counted.</summary>
    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < Buckets; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
        Max = 0;
    }

    /// <summary>The value that <paramref name="share"/> (0 to 1) of all do not pass; 0 when there are none.</summary>
    public long Percentile(double share)
    {
        var left = (long)Math.Ceiling(Count * share);
        for (var i = 0; i < Buckets && Count > 0; i++)
        {
            left -= _counts[i];
            if (left <= 0)
            {
                return Math.Min(Max, UpperBound(i));
            }
        }

        return Max;
    }

    private static int Bucket(long value)
    {
        var octave = Math.Max(0, 63 - BitOperations.LeadingZeroCount((ulong)value) - SubBits);
        return (octave << SubBits) + (int)(value >> octave);
    }

    private static long UpperBound(int bucket)
    {
        // From the second octave on, a bucket's low part runs from 64 to 127, so it reaches into the next number's place.
        var octave = Math.Max(0, (bucket >> SubBits) - 1);
        var low = (long)(bucket - (octave << SubBits));
        return ((low + 1) << octave) - 1;
    }
}
