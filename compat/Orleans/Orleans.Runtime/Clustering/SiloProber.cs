using Orleans.Configuration;

namespace Orleans.Runtime.Clustering;

/// <summary>
/// Watches some silos: a probe each period, and at once when the connection to one is lost. Whoever misses too many is
/// looked at by another silo, then voted dead.
/// </summary>
internal sealed class SiloProber(ClusterNode node, ClusterMembershipOptions options)
{
    /// <summary>Probes more that a silo waits for when it reaches fewer than half of the others.</summary>
    private const int Patience = 2;

    /// <summary>Rounds in a probe's time-out at most: a silo that is gone refuses at once, again and again.</summary>
    private const int MaxRoundsInATimeout = 50;

    private readonly Dictionary<SiloAddress, int> _missed = [];
    private readonly HashSet<SiloAddress> _urgent = [];
    private readonly WakeSignal _wake = new(node.Runtime.Time);
    private readonly Lock _lock = new();
    private Task _refresh = Task.CompletedTask;

    /// <summary>The connection to a silo was lost or refused: probe it now, unless enough probes of it have been missed already.</summary>
    public void ProbeNow(SiloAddress silo)
    {
        lock (_lock)
        {
            if (_missed.GetValueOrDefault(silo) < options.NumMissedProbesLimit + Patience && _urgent.Add(silo))
            {
                _wake.Set();
            }
        }
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var view = node.Oracle.View;
            var watched = view.WatchedBy(node.Self, options.NumProbedSilos).Select(m => m.Silo).ToArray();
            Forget(watched);

            var probedAt = node.Runtime.Time.GetUtcNow().UtcDateTime;
            var results = await Task.WhenAll(watched.Select(async silo => (Silo: silo, Lives: await node.ProbeAsync(silo, options.ProbeTimeout))));
            var silent = results.Count(r => !r.Lives);
            if (silent > 0)
            {
                // It may be us whom nobody reaches: then the table has it first.
                RefreshSoon(cancellationToken);
            }

            // Who reaches fewer than half lets the others speak first: most likely they are right.
            var limit = results.Length > 1 && silent * 2 > results.Length ? options.NumMissedProbesLimit + Patience : options.NumMissedProbesLimit;
            foreach (var (silo, lives) in results)
            {
                if (Note(silo, lives) is var missed && missed >= limit)
                {
                    await SuspectAsync(silo, missed, probedAt, cancellationToken);
                }
            }

            await WaitAsync(results.Any(r => !r.Lives) ? options.ProbeTimeout / 5 : options.ProbeTimeout, cancellationToken);
        }
    }

    /// <summary>Reads the table, and not twice at a time: it may hang, and probing goes on.</summary>
    private void RefreshSoon(CancellationToken cancellationToken)
    {
        if (_refresh.IsCompleted)
        {
            _refresh = node.Oracle.RefreshAsync(cancellationToken);
        }
    }

    /// <summary>Keeps the counts of those only that are watched.</summary>
    private void Forget(SiloAddress[] watched)
    {
        lock (_lock)
        {
            foreach (var gone in _missed.Keys.Except(watched).ToArray())
            {
                _missed.Remove(gone);
            }
        }
    }

    /// <summary>How many probes in a row the silo has missed now.</summary>
    private int Note(SiloAddress silo, bool lives)
    {
        lock (_lock)
        {
            return _missed[silo] = lives ? 0 : _missed.GetValueOrDefault(silo) + 1;
        }
    }

    private async Task SuspectAsync(SiloAddress silo, int missed, DateTime lastProbe, CancellationToken cancellationToken)
    {
        // Another silo may reach it: then the link is at fault, and the silo serves those who can call it.
        if (await node.ReachesThroughAnotherAsync(silo))
        {
            Note(silo, lives: true);
            return;
        }

        node.Runtime.Log.Suspecting(silo, missed);
        try
        {
            using var timeout = new CancellationTokenSource(options.ProbeTimeout * 5, node.Runtime.Time);
            using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
            await node.Votes.VoteDeadAsync(silo, lastProbe, isRefusing: false, time.Token);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Without the table nobody dies; the next round tries again.
            node.Runtime.Log.TableAway(e);
        }
    }

    private async Task WaitAsync(TimeSpan period, CancellationToken cancellationToken)
    {
        var pause = options.ProbeTimeout / MaxRoundsInATimeout;
        await Task.Delay(pause, node.Runtime.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _wake.WaitAsync(period - pause, cancellationToken);
        lock (_lock)
        {
            _urgent.Clear();
        }
    }
}
