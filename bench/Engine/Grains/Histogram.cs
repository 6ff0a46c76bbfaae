using System.Diagnostics;
using System.Numerics;

namespace VoiceCluster.Bench.Engine.Grains;

/// <summary>Counts of durations, in buckets of 3%.</summary>
internal sealed class Histogram
{
    /// <summary>Buckets in which a duration doubles.</summary>
    private const int Parts = 32;

    /// <summary>Up to 2^40 ns, some 18 minutes.</summary>
    private const int Octaves = 36;

    public Histogram(params IEnumerable<long[]> parts)
    {
        foreach (var part in parts)
        {
            for (var i = 0; i < part.Length; i++)
            {
                Buckets[i] += part[i];
            }
        }
    }

    public long[] Buckets { get; } = new long[Parts * Octaves];

    /// <summary>Notes a duration in the clock's ticks.</summary>
    public void Add(long ticks)
    {
        var ns = (ulong)(ticks * (1e9 / Stopwatch.Frequency));
        if (ns < Parts)
        {
            Buckets[ns]++;
            return;
        }

        var octave = BitOperations.Log2(ns) - 4;
        Buckets[Math.Min((octave * Parts) + (int)((ns >> (octave - 1)) & (Parts - 1)), Buckets.Length - 1)]++;
    }

    /// <summary>The duration that this share of all stays below, in µs.</summary>
    public double At(double share)
    {
        var left = (long)(Buckets.Sum() * share);
        for (var i = 0; i < Buckets.Length; i++)
        {
            left -= Buckets[i];
            if (left <= 0)
            {
                var (octave, part) = (i / Parts, i % Parts);
                return (octave == 0 ? part : (double)((ulong)(Parts + part) << (octave - 1))) / 1e3;
            }
        }

        return double.PositiveInfinity;
    }
}
