using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Control;

/// <summary>The room's branches and the pipes between its parts: when they are made, and when nobody needs them any more.</summary>
internal sealed partial class RoomSpread
{
    /// <summary>How long what is not needed any more is left alone, so that what ends together is put away together.</summary>
    private static readonly TimeSpan TidyAfter = TimeSpan.FromMilliseconds(100);

    /// <summary>A room has to have this share of the limit at a worker itself before it goes on at another: small rooms are not cut up.</summary>
    private const int OwnShare = 4;

    /// <summary>Workers that are tried for a transport after one that has become full.</summary>
    private const int MaxFurther = 4;

    private static int _lastPipe;

    // By its two parts, that of the lower worker first.
    private readonly Dictionary<(ControlledRoom One, ControlledRoom Other), int> _pipes = [];
    private int _tidyPending;

    /// <summary>Something has ended that may have been needed by, or have needed, another part. From any thread.</summary>
    public void TidySoon()
    {
        if (_isUsed && Interlocked.Exchange(ref _tidyPending, 1) == 0)
        {
            _ = TidyLaterAsync();
        }
    }

    /// <summary>A worker has ended. A part there is lost; with the home all is.</summary>
    public async Task OnWorkerEndedAsync(WorkerThread thread)
    {
        if (home.Thread == thread && IsSplit)
        {
            await EndAsync().ConfigureAwait(false);
        }
        else if (_branches.Any(b => b.Thread == thread))
        {
            await WithGateAsync(async () =>
            {
                await TidyAsync().ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
        }
    }

    /// <summary>Closes all parts but the home, which has closed or is lost.</summary>
    public Task EndAsync() => WithGateAsync(async () =>
    {
        await CloseBranchesAsync().ConfigureAwait(false);
        return true;
    });

    private static int LoadOf(ControlledRoom part) => Math.Max(part.Thread.Worker.Stats.Consumers, part.Consumers);

    private bool HasEnough(ControlledRoom part) => LoadOf(part) >= limit && part.Consumers >= Math.Max(1, limit / OwnShare);

    private bool HasRoom(ControlledRoom part) => !part.Thread.Worker.IsFull && !HasEnough(part);

    // Where somebody new goes: to the part with the least to do, or to a further worker where all have enough. A worker without room for a transport is
    // no choice, and nothing speaks against a further one then.
    private ControlledRoom Choose()
    {
        var best = Parts.Where(p => p.Thread.IsAlive).OrderBy(p => p.Thread.Worker.IsFull).ThenBy(LoadOf).FirstOrDefault(home);
        if (HasRoom(best) || parts.Another(Parts.Select(p => p.Thread)) is not { } another
            || (!best.Thread.Worker.IsFull && another.Worker.Stats.Consumers >= Math.Min(limit, LoadOf(best))))
        {
            return best;
        }

        var branch = parts.MakeBranch(home, another);
        _branches = [.. _branches, branch];
        LogBranch(logger, home.Name, another.Index, home.Consumers, home.Thread.Index);
        return branch;
    }

    private async Task CloseBranchesIfClosedAsync()
    {
        if (home.IsClosed)
        {
            await CloseBranchesAsync().ConfigureAwait(false);
        }
    }

    private async Task CloseBranchesAsync()
    {
        foreach (var branch in _branches)
        {
            await CloseAsync(branch).ConfigureAwait(false);
        }

        _pipes.Clear();
    }

    private async Task CloseAsync(ControlledRoom branch)
    {
        _branches = [.. _branches.Where(b => b != branch)];
        foreach (var pair in _pipes.Keys.Where(p => p.One == branch || p.Other == branch).ToArray())
        {
            await CloseAsync(pair).ConfigureAwait(false);
        }

        var totals = await TryAsync(branch, (worker, now) => branch.CloseAsPart(worker, now)).ConfigureAwait(false);
        _ = home.Thread.InvokeAsync((_, _) => home.Inherit(branch.Thread, totals));
        LogLeft(logger, home.Name, branch.Thread.Index);
    }

    private async Task CloseAsync((ControlledRoom One, ControlledRoom Other) pair)
    {
        if (_pipes.Remove(pair, out var number))
        {
            await Task.WhenAll(((ControlledRoom[])[pair.One, pair.Other]).Where(p => p.Thread.IsAlive)
                .Select(p => TryAsync(p, (_, now) => p.CloseWorkerPipe(number, now)))).ConfigureAwait(false);
        }
    }

    // Its clients find out by silence; the grain is told at once. The other parts close what came from there.
    private async Task LoseAsync(ControlledRoom branch)
    {
        _branches = [.. _branches.Where(b => b != branch)];
        LogLost(logger, home.Name, branch.Thread.Index);
        _ = home.Thread.InvokeAsync((_, _) => home.Inherit(branch.Thread, default));
        foreach (var pair in _pipes.Keys.Where(p => p.One == branch || p.Other == branch).ToArray())
        {
            await CloseAsync(pair).ConfigureAwait(false);
        }
    }

    /// <summary>Sends one producer, or all that there are, from part to part.</summary>
    private async Task PipeAsync(ControlledRoom from, ControlledRoom to, string? producerId, bool withVideo)
    {
        if (await JoinAsync(from, to).ConfigureAwait(false) is not { } number)
        {
            return;
        }

        var offered = await TryAsync(from, (worker, now) => from.Offer(number, producerId, withVideo, worker, now)).ConfigureAwait(false);
        if (offered is { Length: > 0 })
        {
            await TryAsync(to, (worker, now) => to.Take(number, offered, worker, now)).ConfigureAwait(false);
        }
    }

    private async Task<int?> JoinAsync(ControlledRoom from, ControlledRoom to)
    {
        var pair = from.Thread.Index < to.Thread.Index ? (One: from, Other: to) : (One: to, Other: from);
        if (_pipes.TryGetValue(pair, out var known))
        {
            return known;
        }

        var number = Interlocked.Increment(ref _lastPipe);
        var link = parts.LinkOf(pair.One.Thread, pair.Other.Thread);
        var opened = await TryAsync(pair.One, (worker, now) => pair.One.OpenWorkerPipe(number, link.One, worker, now)).ConfigureAwait(false)
            && await TryAsync(pair.Other, (worker, now) => pair.Other.OpenWorkerPipe(number, link.Other, worker, now)).ConfigureAwait(false);
        _pipes.Add(pair, number);
        if (!opened)
        {
            await CloseAsync(pair).ConfigureAwait(false);
            return null;
        }

        return number;
    }

    private async Task TidyLaterAsync()
    {
        await Task.Delay(TidyAfter).ConfigureAwait(false);
        Volatile.Write(ref _tidyPending, 0);
        try
        {
            await WithGateAsync(async () =>
            {
                await TidyAsync().ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
        }
        catch (TaskCanceledException)
        {
            LogNotTidied(logger, home.Name);
        }
    }

    /// <summary>
    /// Makes the parts agree: 1. copies close whose source is gone, or that nobody needs; 2. what nobody takes is not sent; 3. pipes
    /// without anything close, and parts without clients; 4. parts that need whatever there is have it.
    /// </summary>
    private async Task TidyAsync()
    {
        if (home.IsClosed)
        {
            await CloseBranchesAsync().ConfigureAwait(false);
            return;
        }

        foreach (var branch in _branches.Where(b => !b.Thread.IsAlive))
        {
            await LoseAsync(branch).ConfigureAwait(false);
        }

        var views = new Dictionary<ControlledRoom, PartView>();
        foreach (var part in Parts)
        {
            if (await TryAsync(part, (_, _) => part.Describe()).ConfigureAwait(false) is { } view)
            {
                views.Add(part, view);
            }
        }

        foreach (var (pair, number) in _pipes.ToArray())
        {
            var one = Array.Find(views.GetValueOrDefault(pair.One)?.Pipes ?? [], p => p.Number == number);
            var other = Array.Find(views.GetValueOrDefault(pair.Other)?.Pipes ?? [], p => p.Number == number);
            if (one is null || other is null)
            {
                await CloseAsync(pair).ConfigureAwait(false);
                continue;
            }

            var left = await TidyAsync(number, pair.One, one.Out, pair.Other, other.In).ConfigureAwait(false)
                + await TidyAsync(number, pair.Other, other.Out, pair.One, one.In).ConfigureAwait(false);

            // :: Step 3
            if (left == 0)
            {
                await CloseAsync(pair).ConfigureAwait(false);
            }
        }

        foreach (var branch in _branches.Where(b => views.TryGetValue(b, out var view) && view.Transports == 0))
        {
            await CloseAsync(branch).ConfigureAwait(false);
        }

        // :: Step 4
        foreach (var part in Parts)
        {
            await PipeAllAsync(part).ConfigureAwait(false);
        }
    }

    // Answers how many go on.
    private async Task<int> TidyAsync(int number, ControlledRoom from, HashSet<string> sent, ControlledRoom to, Dictionary<string, bool> taken)
    {
        var left = 0;
        foreach (var (id, isNeeded) in taken)
        {
            // :: Step 1
            if (isNeeded && sent.Contains(id))
            {
                left++;
            }
            else
            {
                await TryAsync(to, (_, now) => to.CloseCopy(id, now)).ConfigureAwait(false);
            }
        }

        // :: Step 2
        foreach (var id in sent.Where(id => !taken.TryGetValue(id, out var isNeeded) || !isNeeded))
        {
            await TryAsync(from, (_, now) => from.Withdraw(number, id, now)).ConfigureAwait(false);
        }

        return left;
    }
}
