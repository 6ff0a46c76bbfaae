using System.Collections.Concurrent;

namespace Orleans.Runtime;

/// <summary>Calls that are waited for. One timer looks for those whose time is over, instead of a timer for each call.</summary>
internal sealed class PendingCalls(TimeProvider time) : IDisposable
{
    /// <summary>How late a time-out may be noticed at most.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<GrainCall, byte> _calls = new(ReferenceEqualityComparer.Instance);
    private ITimer? _timer;

    public int Count => _calls.Count;

    public void Start() => _timer = time.CreateTimer(static self => ((PendingCalls)self!).Sweep(), this, Period, Period);

    public void Add(GrainCall call, TimeSpan timeout)
    {
        if (timeout != Timeout.InfiniteTimeSpan)
        {
            call.ExpiresAt = time.GetTimestamp() + (long)(timeout.TotalSeconds * time.TimestampFrequency);
            _calls.TryAdd(call, 0);
        }
    }

    public void Remove(GrainCall call) => _calls.TryRemove(call, out _);

    /// <summary>Fails everything that is waited for.</summary>
    public void FailAll(Func<GrainCall, Exception> reason)
    {
        foreach (var (call, _) in _calls)
        {
            call.Fail(reason(call));
        }
    }

    public void Dispose() => _timer?.Dispose();

    private void Sweep()
    {
        var now = time.GetTimestamp();
        foreach (var (call, _) in _calls)
        {
            if (call.ExpiresAt <= now)
            {
                SiloMetrics.TimedOut.Add(1);
                call.TimeOut();
            }
        }
    }
}
