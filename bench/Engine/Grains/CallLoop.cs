using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace VoiceCluster.Bench.Engine.Grains;

/// <summary>One caller: the next call leaves when the answer to the last one is there.</summary>
internal static class CallLoop
{
    /// <summary>Calls between two looks at the clock that says when to end.</summary>
    private const int Batch = 16;

    /// <summary>
    /// References to the grains of one factory, by how many they are, the first and the last. Made once: those of 256 callers would be 25 MB,
    /// and the collector would copy them to the older generations meanwhile.
    /// </summary>
    private static readonly ConditionalWeakTable<IGrainFactory, ConcurrentDictionary<(int, long, long), IEchoGrain[]>> References = [];

    public static async Task<CallFigures> RunAsync(IGrainFactory factory, long[] keys, int first, TimeSpan time)
    {
        var targets = References.GetValue(factory, static _ => new()).GetOrAdd((keys.Length, keys[0], keys[^1]), _ => Array.ConvertAll(keys, k => factory.GetGrain<IEchoGrain>(k)));
        var echo = new Echo(new string('x', 32), 1);
        var times = new Histogram();
        var end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        long calls = 0;
        for (var now = Stopwatch.GetTimestamp(); now < end;)
        {
            for (var i = 0; i < Batch; i++)
            {
                await targets[(first + calls++) % targets.Length].EchoAsync(echo);
                var after = Stopwatch.GetTimestamp();
                times.Add(after - now);
                now = after;
            }
        }

        return new CallFigures(calls, times.Buckets);
    }
}
