using Orleans.Configuration;

namespace Orleans.Runtime.Clustering;

/// <summary>A stored state that was read when another silo may still have been writing it.</summary>
internal interface ITakenState
{
    /// <summary>Compares it with the store; a state that somebody else has written since ends its activation. True when it could be compared.</summary>
    Task<bool> CompareAsync();
}

/// <summary>
/// A silo that the others have declared dead may go on for a while, when it reaches neither them nor the table but does
/// reach the store. Two things keep it from doing harm to the grains that are taken over: each state is written once by
/// the silo that takes it over, before anything is answered from it, so that the other's ETag is void; and when the
/// time of doubt is over each is compared with the store, because the other may have read it anew.
/// </summary>
internal sealed class Takeovers(ClusterNode node, ClusterMembershipOptions options)
{
    /// <summary>States that are compared at a time.</summary>
    private const int Side = 8;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private List<ITakenState> _states = [];
    private long _until;
    private bool _isWaiting;

    /// <summary>How long a silo that was declared dead may not have noticed: it reads the table this often, and more often when others do not answer.</summary>
    private TimeSpan TimeOfDoubt => options.TableRefreshTimeout * 3;

    /// <summary>Whether a silo that was declared dead may still be writing.</summary>
    public bool IsInDoubt => Left() > TimeSpan.Zero;

    /// <summary>A view comes: a time of doubt begins with each silo that was declared dead, also for a silo that joins after that.</summary>
    public void OnView(ClusterView before, ClusterView after)
    {
        var since = (node.Runtime.Time.GetUtcNow().UtcDateTime - TimeOfDoubt).Ticks;
        if (Array.Exists(after.Snapshot.Members, m => m.VotedDeadAt > since && before.Find(m.Silo)?.Status != SiloStatus.Dead))
        {
            Doubt();
        }
    }

    /// <summary>From now on for a while.</summary>
    public void Doubt()
    {
        lock (_lock)
        {
            var time = node.Runtime.Time;
            Volatile.Write(ref _until, time.GetTimestamp() + (long)(TimeOfDoubt.TotalSeconds * time.TimestampFrequency));
            if (_isWaiting)
            {
                return;
            }

            _isWaiting = true;
        }

        _ = CompareLaterAsync();
    }

    /// <summary>The state is compared when the time of doubt is over.</summary>
    public void Watch(ITakenState state)
    {
        lock (_lock)
        {
            _states.Add(state);
        }
    }

    private TimeSpan Left() => node.Runtime.Time.GetElapsedTime(node.Runtime.Time.GetTimestamp(), Volatile.Read(ref _until));

    private async Task CompareLaterAsync()
    {
        while (true)
        {
            // More may be in doubt by then.
            while (Left() is var left && left > TimeSpan.Zero)
            {
                // Timers know no less than a millisecond.
                await Task.Delay(left + TimeSpan.FromMilliseconds(1), node.Runtime.Time);
            }

            List<ITakenState> states;
            lock (_lock)
            {
                (states, _states) = (_states, []);
                if (states.Count == 0)
                {
                    _isWaiting = false;
                    return;
                }
            }

            if (node.Runtime.IsStopped)
            {
                return;
            }

            await Parallel.ForEachAsync(states, new ParallelOptions { MaxDegreeOfParallelism = Side }, async (state, _) =>
            {
                if (!await state.CompareAsync())
                {
                    Watch(state);
                }
            });
            await Task.Delay(RetryAfter, node.Runtime.Time);
        }
    }
}
