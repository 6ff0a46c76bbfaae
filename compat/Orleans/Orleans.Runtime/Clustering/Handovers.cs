namespace Orleans.Runtime.Clustering;

/// <summary>
/// Keeps two silos from running one grain when shares move. Who loses a share ends the activations in it and says so; who
/// gains it starts none of them before that, unless the loser is dead. The wait is bounded: a loser that is too slow is
/// overtaken, and what it still writes fails by its ETag.
/// </summary>
internal sealed class Handovers(ClusterNode node)
{
    /// <summary>How long a silo's word is awaited.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<SiloAddress, long> _done = [];
    private volatile Wait[] _waits = [];

    /// <summary>A view has replaced another: grains that were another's and are ours now wait for its word.</summary>
    public void Expect(ClusterView before, ClusterView after)
    {
        if (!after.IsActive(node.Self))
        {
            return;
        }

        var losers = before.Active.Select(m => m.Silo)
            .Where(s => s != node.Self && after.Find(s)?.Status is SiloStatus.Active or SiloStatus.ShuttingDown)
            .ToHashSet();
        lock (_lock)
        {
            foreach (var gone in _done.Keys.Where(s => after.Find(s)?.Status is null or SiloStatus.Dead).ToArray())
            {
                _done.Remove(gone);
            }

            // Whose word on an earlier view was missed may still be ending grains that were another's since.
            losers.UnionWith(after.Snapshot.Members.Where(m => m.Status == SiloStatus.ShuttingDown && m.Silo != node.Self).Select(m => m.Silo));
            losers.RemoveWhere(s => _done.GetValueOrDefault(s) >= after.Version);
            foreach (var wait in _waits)
            {
                // The dead will not speak.
                wait.RemoveWhere(s => after.Find(s)?.Status is null or SiloStatus.Dead);
            }

            _waits = losers.Count == 0 ? [.. _waits.Where(w => !w.IsOver)] : [.. _waits.Where(w => !w.IsOver), new Wait(before, after.Version, losers)];
        }

        if (losers.Count > 0)
        {
            _ = EndLaterAsync(after.Version);
        }
    }

    /// <summary>A silo has ended what was not its own by a version.</summary>
    public void Done(SiloAddress silo, long version)
    {
        lock (_lock)
        {
            _done[silo] = Math.Max(_done.GetValueOrDefault(silo), version);
            foreach (var wait in _waits.Where(w => w.Version <= version))
            {
                wait.RemoveWhere(s => s == silo);
            }

            _waits = [.. _waits.Where(w => !w.IsOver)];
        }
    }

    /// <summary>The task to await before the grain may be activated here; null when there is none.</summary>
    public Task? Find(GrainId grain)
    {
        var waits = _waits;
        if (waits.Length == 0)
        {
            return null;
        }

        foreach (var wait in waits)
        {
            if (wait.Find(grain) is { } task)
            {
                return task;
            }
        }

        return null;
    }

    /// <summary>Ends when nothing is awaited any more that views before this version brought.</summary>
    public Task EarlierAsync(long version) => Task.WhenAll(_waits.Where(w => w.Version < version).Select(w => w.Over));

    private async Task EndLaterAsync(long version)
    {
        await Task.Delay(Limit, node.Runtime.Time);
        lock (_lock)
        {
            foreach (var wait in _waits.Where(w => w.Version <= version))
            {
                foreach (var silo in wait.Losers)
                {
                    node.Runtime.Log.HandoverMissed(silo);
                    node.Takeovers.Doubt();
                }

                wait.RemoveWhere(_ => true);
            }

            _waits = [.. _waits.Where(w => !w.IsOver)];
        }
    }

    /// <summary>The silos that have not spoken since a view, and whose grains were whose before.</summary>
    private sealed class Wait(ClusterView before, long version, HashSet<SiloAddress> losers)
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<SiloAddress, TaskCompletionSource> _pending =
            losers.ToDictionary(s => s, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        private readonly HashSet<SiloAddress> _strangers = [.. losers.Where(s => !before.IsActive(s))];

        public long Version => version;

        /// <summary>Ends with the last word.</summary>
        public Task Over
        {
            get
            {
                lock (_lock)
                {
                    return Task.WhenAll(_pending.Values.Select(p => p.Task));
                }
            }
        }

        public bool IsOver
        {
            get
            {
                lock (_lock)
                {
                    return _pending.Count == 0;
                }
            }
        }

        public SiloAddress[] Losers
        {
            get
            {
                lock (_lock)
                {
                    return [.. _pending.Keys];
                }
            }
        }

        public Task? Find(GrainId grain)
        {
            if (before.OwnerOf(grain) is not { } owner)
            {
                return null;
            }

            lock (_lock)
            {
                // One that leaves since before we looked may have the grain still, whoever has gained it meanwhile.
                return (_pending.GetValueOrDefault(owner.Silo) ?? _strangers.Select(s => _pending.GetValueOrDefault(s)).FirstOrDefault(p => p is not null))?.Task;
            }
        }

        public void RemoveWhere(Func<SiloAddress, bool> predicate)
        {
            lock (_lock)
            {
                foreach (var silo in _pending.Keys.Where(predicate).ToArray())
                {
                    _pending[silo].SetResult();
                    _pending.Remove(silo);
                }
            }
        }
    }
}
