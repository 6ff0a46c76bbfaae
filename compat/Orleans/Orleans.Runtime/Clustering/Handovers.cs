namespace Orleans.Runtime.Clustering;

/// <summary>
/// Keeps two silos from running one grain when shares move. Who loses a share ends the activations in it and says so; who
/// gains it starts none of them before that, unless the loser is dead. A grain that is called meanwhile is asked for by itself: it
/// waits for no other, least of all for one whose end waits for this call. The wait is bounded: a loser that is too slow is
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
            if (wait.Find(grain) is { } loser)
            {
                return wait.Ask(grain, loser.Silo, loser.Over, AskAsync);
            }
        }

        return null;
    }

    /// <summary>Ends when nothing is awaited any more that views before this version brought.</summary>
    public Task EarlierAsync(long version) => Task.WhenAll(_waits.Where(w => w.Version < version).Select(w => w.Over));

    /// <summary>The other side: ends one grain that is another silo's by a version, before all. False when this silo sees it otherwise.</summary>
    public async Task<bool> ReleaseAsync(GrainId grain, long version)
    {
        if (!await node.KnowsAsync(version) || node.Runtime.MayActivate(grain))
        {
            return false;
        }

        // What this silo was itself waiting for was not its own to hand over yet.
        var catalog = node.Runtime.Catalog;
        while (!catalog.Has(grain) && Find(grain) is { } earlier)
        {
            await earlier;
        }

        if (catalog.Find(grain) is { } activation)
        {
            activation.Deactivate(new DeactivationReason(DeactivationReasonCode.Migrating, "The grain's share has moved to another silo."));
            await activation.Deactivated;
        }

        return true;
    }

    /// <summary>Asks a loser for one grain. False when it does not say that the grain has ended: then its word for all of them is awaited.</summary>
    private async Task<bool> AskAsync(GrainId grain, SiloAddress loser, long version)
    {
        try
        {
            return await node.ControlOf(loser).ReleaseAsync(grain, version).WaitAsync(Limit, node.Runtime.Time);
        }
        catch (Exception e)
        {
            // It is being lost, or it is an older build, which knows no such question.
            node.Runtime.Log.NotReleased(e, grain, loser);
            return false;
        }
    }

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
        private readonly Dictionary<(GrainId Grain, SiloAddress Loser), Task> _asked = [];
        private readonly HashSet<(GrainId Grain, SiloAddress Loser)> _released = [];

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

        /// <summary>Who has to end the grain yet, and the task that ends when it has ended all of them.</summary>
        public (SiloAddress Silo, Task Over)? Find(GrainId grain)
        {
            if (before.OwnerOf(grain) is not { } owner)
            {
                return null;
            }

            lock (_lock)
            {
                // One that leaves since before we looked may have the grain still, whoever has gained it meanwhile.
                foreach (var silo in (IEnumerable<SiloAddress>)[owner.Silo, .. _strangers])
                {
                    if (_pending.TryGetValue(silo, out var pending) && !_released.Contains((grain, silo)))
                    {
                        return (silo, pending.Task);
                    }
                }

                return null;
            }
        }

        /// <summary>Asks for one grain, once at a time. The task ends when it has been released, or when all of its loser's have.</summary>
        public Task Ask(GrainId grain, SiloAddress loser, Task over, Func<GrainId, SiloAddress, long, Task<bool>> ask)
        {
            lock (_lock)
            {
                return _asked.TryGetValue((grain, loser), out var asked) ? asked : _asked[(grain, loser)] = AskAsync();
            }

            async Task AskAsync()
            {
                // Not under the lock, and not in the turn or on the connection of who happens to be first.
                await Task.Yield();
                if (await ask(grain, loser, version))
                {
                    lock (_lock)
                    {
                        _released.Add((grain, loser));
                    }
                }
                else
                {
                    await over;
                }
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
