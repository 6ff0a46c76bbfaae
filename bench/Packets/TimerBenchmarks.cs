using BenchmarkDotNet.Attributes;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Bench.Packets;

/// <summary>What a worker's timers cost: one that is due runs and is set again, among many.</summary>
[MemoryDiagnoser]
public class TimerBenchmarks
{
    private readonly DeadlineHeap _deadlines = new();
    private readonly Random _random = new(1);
    private long _now;

    /// <summary>Timers: one for each transport and recording of the worker.</summary>
    [Params(100, 2_000, 20_000)]
    public int Timers { get; set; }

    /// <summary>Timers whose deadlines are spread over 100 ms.</summary>
    [GlobalSetup]
    public void Open()
    {
        for (var i = 0; i < Timers; i++)
        {
            _deadlines.Set(new Report(_random), _random.Next(100_000));
        }
    }

    /// <summary>The next one runs, and again 20 to 100 ms later.</summary>
    [Benchmark]
    public void RunNext()
    {
        _now = _deadlines.Next;
        _deadlines.RunDue(_now);
    }

    private sealed class Report(Random random) : Timed
    {
        internal override long Run(long now) => now + random.Next(20_000, 100_000);
    }
}
