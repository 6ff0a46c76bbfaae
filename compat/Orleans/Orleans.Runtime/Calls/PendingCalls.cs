using System.Collections.Concurrent;

namespace Orleans.Runtime;

/// <summary>
/// Calls that are waited for. One timer looks for those whose time is over, instead of a timer for each call; it runs
/// only while somebody waits, so that an idle silo sleeps.
/// </summary>
internal sealed class PendingCalls(TimeProvider time) : IDisposable
{
    /// <summary>How late a time-out may be noticed at most.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<GrainCall, byte> _calls = new(ReferenceEqualityComparer.Instance);
    private ITimer? _timer;
    private int _isArmed;

    public int Count => _calls.Count;

    public void Start() => _timer = time.CreateTimer(
        static self => ((PendingCalls)self!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public void Add(GrainCall call, TimeSpan timeout)
    {
        if (timeout != Timeout.InfiniteTimeSpan)
        {
            call.ExpiresAt = time.GetTimestamp() + (long)(timeout.TotalSeconds * time.TimestampFrequency);
            _calls.TryAdd(call, 0);
            Arm();
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

    private void Arm()
    {
        if (Volatile.Read(ref _isArmed) == 0 && Interlocked.Exchange(ref _isArmed, 1) == 0)
        {
            _timer?.Change(Period, Timeout.InfiniteTimeSpan);
        }
    }

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

        // Disarmed before the look: a call that is added in between arms it itself.
        Interlocked.Exchange(ref _isArmed, 0);
        if (!_calls.IsEmpty)
        {
            Arm();
        }
    }
}
