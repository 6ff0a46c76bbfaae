using Orleans.Configuration;

namespace Orleans.Runtime.Clustering;

/// <summary>
/// This silo's part in the membership: it writes its own row, reads the others', and writes votes and deaths. Every change
/// is a compare-and-swap on the table's version. The table may be away: then nobody joins or leaves, and all else goes on.
/// </summary>
internal sealed class MembershipOracle(
    SiloAddress self,
    string siloName,
    int gatewayPort,
    IMembershipTable table,
    ClusterMembershipOptions options,
    TimeProvider time,
    SiloLog log,
    Func<bool> stoodStill)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(50);

    private readonly SemaphoreSlim _one = new(1);
    private readonly Lock _viewLock = new();

    /// <summary>Silos that this one has voted dead without knowing yet what became of it. It guards <see cref="_heard"/> as well.</summary>
    private readonly HashSet<SiloAddress> _votes = [];

    /// <summary>When silos asked whether they still belong to the cluster.</summary>
    private readonly Dictionary<SiloAddress, DateTime> _heard = [];
    private readonly DateTime _startTime = time.GetUtcNow().UtcDateTime;
    private volatile ClusterView _view = ClusterView.Empty;
    private SiloStatus _status = SiloStatus.Created;
    private bool _isAway;

    /// <summary>Called before a new view is to be seen, one after the other: by then it must be known what to wait for.</summary>
    public event Action<ClusterView, ClusterView>? ViewChanging;

    /// <summary>Called after each new view, one after the other.</summary>
    public event Action<ClusterView, ClusterView>? ViewChanged;

    /// <summary>Called once when the others have declared this silo dead.</summary>
    public event Action? DeclaredDead;

    public ClusterView View => _view;

    public SiloStatus Status => _status;

    /// <summary>
    /// Writes this silo's row as joining, then, when the others have been looked at, as active. Rows of earlier starts at the same address are declared dead.
    /// </summary>
    public async Task JoinAsync(Func<Task> checkOthers, CancellationToken cancellationToken)
    {
        await table.InitializeMembershipTable(true).WaitAsync(cancellationToken);
        await ChangeAsync(
            data =>
            {
                var old = data.Members.FirstOrDefault(m => m.Item1.SiloAddress.Endpoint.Equals(self.Endpoint)
                    && m.Item1.SiloAddress != self && m.Item1.Status != SiloStatus.Dead);
                if (old is not null)
                {
                    old.Item1.Status = SiloStatus.Dead;
                    return (old.Item1, old.Item2);
                }

                return null;
            },
            cancellationToken);
        await SetStatusAsync(SiloStatus.Joining, cancellationToken);
        await checkOthers();
        await SetStatusAsync(SiloStatus.Active, cancellationToken);
    }

    /// <summary>Writes this silo's own status.</summary>
    public async Task SetStatusAsync(SiloStatus status, CancellationToken cancellationToken)
    {
        var isWritten = false;
        if (status == SiloStatus.Dead)
        {
            // It is our own doing: reading it back is no news.
            _status = status;
        }

        await ChangeAsync(
            data =>
            {
                if (isWritten)
                {
                    return null;
                }

                isWritten = true;
                var row = data.TryGet(self);
                if (row?.Item1.Status == SiloStatus.Dead && status != SiloStatus.Dead)
                {
                    Take(SnapshotOf(data));
                    throw new SiloUnavailableException($"{self} was declared dead.");
                }

                var entry = row?.Item1 ?? Row();
                entry.Status = status;
                entry.IAmAliveTime = time.GetUtcNow().UtcDateTime;
                return (entry, row?.Item2);
            },
            cancellationToken,
            onRetry: () => isWritten = false);
        _status = status;
    }

    /// <summary>Reads the table and takes what is new.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            var data = await table.ReadAll().WaitAsync(cancellationToken);
            Reached();
            await TakeTableAsync(data, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Missed(e);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Takes what another silo knows, if it is newer.</summary>
    public void Take(ClusterSnapshot snapshot)
    {
        ClusterView before, after;
        lock (_viewLock)
        {
            before = _view;
            if (snapshot.Version <= before.Version)
            {
                return;
            }

            after = new ClusterView(snapshot);
            ViewChanging?.Invoke(before, after);
            _view = after;
            log.ViewChanged(self, after.Find(self)?.Status ?? SiloStatus.None, after.Active.Length, after.Version);
            ViewChanged?.Invoke(before, after);
        }

        if (after.Find(self)?.Status == SiloStatus.Dead && _status is not SiloStatus.Dead)
        {
            _status = SiloStatus.Dead;
            DeclaredDead?.Invoke();
        }
    }

    /// <summary>Says that this silo lives, for those who read the table.</summary>
    public async Task SayAliveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var row = Row();
            row.IAmAliveTime = time.GetUtcNow().UtcDateTime;
            await table.UpdateIAmAlive(row).WaitAsync(cancellationToken);
            Reached();
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Missed(e);
        }
    }

    /// <summary>
    /// Votes a silo dead. It is, once enough silos have voted within the time that a vote counts. One that has been heard of since its last probe
    /// was sent is not voted on: the table may answer long after. True when it is dead by this vote.
    /// </summary>
    public async Task<bool> VoteDeadAsync(SiloAddress silo, DateTime lastProbe, bool onlyIfStale, CancellationToken cancellationToken)
    {
        var isDone = false;
        var votes = 0;
        await ChangeAsync(
            data =>
            {
                // Who was declared dead itself votes no more: else two silos that do not reach each other would both end.
                if (isDone || data.TryGet(self)?.Item1.Status is not (SiloStatus.Active or SiloStatus.Joining)
                    || data.TryGet(silo) is not { } row || row.Item1.Status == SiloStatus.Dead
                    || row.Item1.IAmAliveTime > lastProbe || (onlyIfStale && !IsStale(row.Item1, time.GetUtcNow().UtcDateTime)) || !TryBeginVote(silo, lastProbe))
                {
                    return null;
                }

                isDone = true;
                var now = time.GetUtcNow().UtcDateTime;
                var fresh = (row.Item1.SuspectTimes ?? [])
                    .Where(v => v.Item1 != self && now - v.Item2 < options.DeathVoteExpirationTimeout && IsVoter(data, v.Item1))
                    .Append(Tuple.Create(self, now))
                    .ToList();

                // Who has not said for long that it lives cannot vote either: else the last of several that ended at once would wait for their votes for good.
                var voters = data.Members.Count(m => m.Item1.Status == SiloStatus.Active && m.Item1.SiloAddress != silo && !IsStale(m.Item1, now));

                // As documented: the configured number of votes, or more than half when fewer silos could vote.
                var needed = Math.Min(options.NumVotesForDeathDeclaration, (voters + 1) / 2);
                row.Item1.SuspectTimes = fresh;
                votes = fresh.Count;
                if (fresh.Count >= Math.Max(1, needed))
                {
                    row.Item1.Status = SiloStatus.Dead;
                }

                return (row.Item1, row.Item2);
            },
            cancellationToken,
            onRetry: () => (isDone, votes) = (false, 0));
        var isDead = votes > 0 && _view.Find(silo)?.Status == SiloStatus.Dead;
        if (isDead)
        {
            log.DeclaredDead(silo, votes);
        }

        return isDead;
    }

    /// <summary>A silo has spoken. False when this one may have voted it dead, because the table has not answered yet.</summary>
    public bool NoteAlive(SiloAddress silo)
    {
        lock (_votes)
        {
            _heard[silo] = time.GetUtcNow().UtcDateTime;
            return !_votes.Contains(silo);
        }
    }

    /// <summary>
    /// Writes that this silo is well, over votes against it: those that are on their way fail by the table's version and are thought over. Then takes
    /// what the table has. False when the table is away.
    /// </summary>
    public async Task<bool> SayWellAsync(CancellationToken cancellationToken)
    {
        var isDone = false;
        try
        {
            await ChangeAsync(
                data =>
                {
                    if (isDone || data.TryGet(self) is not { } row || row.Item1.Status == SiloStatus.Dead)
                    {
                        return null;
                    }

                    isDone = true;
                    row.Item1.IAmAliveTime = time.GetUtcNow().UtcDateTime;
                    row.Item1.SuspectTimes = [];
                    return (row.Item1, row.Item2);
                },
                cancellationToken,
                onRetry: () => isDone = false);
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Missed(e);
            return false;
        }
    }

    /// <summary>Removes old rows of dead silos.</summary>
    public async Task CleanUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            await table.CleanupDefunctSiloEntries(time.GetUtcNow() - options.DefunctSiloExpiration).WaitAsync(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Missed(e);
        }
    }

    private static bool IsVoter(MembershipTableData data, SiloAddress silo) => data.TryGet(silo)?.Item1.Status == SiloStatus.Active;

    private bool IsStale(MembershipEntry entry, DateTime now) =>
        now - (entry.IAmAliveTime > entry.StartTime ? entry.IAmAliveTime : entry.StartTime) > options.IAmAliveTablePublishTimeout * options.NumMissedTableIAmAliveLimit;

    private static ClusterSnapshot SnapshotOf(MembershipTableData data) => new(
        data.Version.Version,
        [.. data.Members.Select(m => new ClusterMember(m.Item1.SiloAddress, m.Item1.Status, m.Item1.ProxyPort, m.Item1.SiloName ?? "", VotedDeadAt(m.Item1)))]);

    private static long VotedDeadAt(MembershipEntry entry) =>
        entry is { Status: SiloStatus.Dead, SuspectTimes: [_, ..] votes } ? votes.Max(v => v.Item2).Ticks : 0;

    /// <summary>From now on until the table answers nobody is told that the silo is well; false when it has been heard of since.</summary>
    private bool TryBeginVote(SiloAddress silo, DateTime since)
    {
        lock (_votes)
        {
            if (_heard.TryGetValue(silo, out var heard) && heard > since)
            {
                return false;
            }

            _votes.Add(silo);
            return true;
        }
    }

    private MembershipEntry Row() => new()
    {
        SiloAddress = self,
        Status = _status,
        ProxyPort = gatewayPort,
        HostName = Environment.MachineName,
        SiloName = siloName,
        StartTime = _startTime,
        IAmAliveTime = time.GetUtcNow().UtcDateTime,
    };

    /// <summary>
    /// Changes rows until <paramref name="next"/> has nothing more to change. It is asked anew with what the table has
    /// after somebody else was quicker.
    /// </summary>
    private async Task ChangeAsync(
        Func<MembershipTableData, (MembershipEntry Entry, string? ETag)?> next, CancellationToken cancellationToken, Action? onRetry = null)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            while (true)
            {
                var data = await table.ReadAll().WaitAsync(cancellationToken);
                Reached();
                if (next(data) is not { } change)
                {
                    await TakeTableAsync(data, cancellationToken);
                    return;
                }

                var version = data.Version.Next();
                var isWritten = change.ETag is null
                    ? await table.InsertRow(change.Entry, version).WaitAsync(cancellationToken)
                    : await table.UpdateRow(change.Entry, change.ETag, version).WaitAsync(cancellationToken);
                if (!isWritten)
                {
                    onRetry?.Invoke();
                    await Task.Delay(RetryAfter * Random.Shared.NextDouble(), time, cancellationToken);
                }
            }
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task TakeTableAsync(MembershipTableData data, CancellationToken cancellationToken)
    {
        // A row goes when its silo was dead for days. One that served a moment ago and has none: the table was emptied.
        if (Array.Exists(_view.Active, m => data.TryGet(m.Silo) is null))
        {
            await RestoreAsync(data, cancellationToken);
            data = await table.ReadAll().WaitAsync(cancellationToken);
        }

        Take(SnapshotOf(data));
        lock (_votes)
        {
            // What became of them is known now.
            _votes.Clear();
            foreach (var gone in _heard.Keys.Where(s => data.TryGet(s) is null).ToArray())
            {
                _heard.Remove(gone);
            }
        }
    }

    /// <summary>The table was emptied: whoever notices first writes the rows again as they were, above the version that everybody knows.</summary>
    private async Task RestoreAsync(MembershipTableData data, CancellationToken cancellationToken)
    {
        if (stoodStill())
        {
            // Our view may be old: whoever has a fresh one restores the table.
            return;
        }

        log.TableLost();
        await table.InitializeMembershipTable(true).WaitAsync(cancellationToken);
        var known = _view;
        foreach (var member in known.Active)
        {
            data = await table.ReadAll().WaitAsync(cancellationToken);
            if (data.TryGet(member.Silo) is not null)
            {
                continue;
            }

            var entry = new MembershipEntry
            {
                SiloAddress = member.Silo,
                Status = member.Status,
                ProxyPort = member.GatewayPort,
                SiloName = member.Name,
                StartTime = time.GetUtcNow().UtcDateTime,
                IAmAliveTime = time.GetUtcNow().UtcDateTime,
            };
            var version = new TableVersion((int)Math.Max(known.Version, data.Version.Version) + 1, data.Version.VersionEtag);
            await table.InsertRow(entry, version).WaitAsync(cancellationToken);
        }
    }

    private void Reached()
    {
        if (_isAway)
        {
            _isAway = false;
            log.TableBack();
        }
    }

    private void Missed(Exception e)
    {
        if (!_isAway)
        {
            _isAway = true;
            log.TableAway(e);
        }
    }
}
