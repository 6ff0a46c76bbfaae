using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime.Clustering;
using Orleans.Timers;

namespace Orleans.Runtime;

/// <summary>Fires the reminders of this silo: reads them from the table at start, then follows registrations.</summary>
internal sealed class LocalReminderService(SiloRuntime silo, IReminderTable table, IOptions<ReminderOptions> options)
    : IReminderRegistry, ILifecycleParticipant<ISiloLifecycle>
{
    /// <summary>A table that did not answer is asked again after this.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    /// <summary>A silo that was declared dead had fired what was due longer than this before its reminders were another's.</summary>
    private static readonly TimeSpan DeadSince = TimeSpan.FromMinutes(1);

    /// <summary>A silo that lives, or left in order, had fired what was due longer than this before its reminders were another's.</summary>
    private static readonly TimeSpan MovedSince = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(GrainId, string), LocalReminder> _reminders = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly WakeSignal _wake = new(silo.Time);

    /// <summary>The views that came after the last look at the table, and when: it may be away for long.</summary>
    private readonly List<(ClusterView View, long At)> _unread = [];

    private Task _reading = Task.CompletedTask;
    private ClusterView? _view;

    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe("Reminders", ServiceLifecycleStage.Active, StartAsync, StopAsync);

    public async Task<IGrainReminder> RegisterOrUpdateReminder(GrainId callingGrainId, string reminderName, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentException.ThrowIfNullOrEmpty(reminderName);
        ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, TimeSpan.Zero);
        if (period < options.Value.MinimumReminderPeriod)
        {
            throw new ArgumentException(
                $"The period of {reminderName} is {period}; it must be {options.Value.MinimumReminderPeriod} at least (ReminderOptions.MinimumReminderPeriod).",
                nameof(period));
        }

        var entry = new ReminderEntry
        {
            GrainId = callingGrainId,
            ReminderName = reminderName,
            StartAt = silo.Time.GetUtcNow().UtcDateTime + dueTime,
            Period = period,
        };
        entry.ETag = await table.UpsertRow(entry);
        Watch(entry, TimeSpan.MaxValue);
        return new ReminderHandle(entry);
    }

    public async Task UnregisterReminder(GrainId callingGrainId, IGrainReminder reminder)
    {
        if (reminder is not ReminderHandle handle || !await table.RemoveRow(callingGrainId, handle.ReminderName, handle.ETag))
        {
            throw new OrleansException($"Could not unregister reminder {reminder.ReminderName}: it does not exist or was set anew.");
        }

        if (_reminders.TryRemove((callingGrainId, handle.ReminderName), out var local))
        {
            local.Dispose();
        }
    }

    public async Task<IGrainReminder?> GetReminder(GrainId callingGrainId, string reminderName) =>
        await table.ReadRow(callingGrainId, reminderName) is { } entry ? new ReminderHandle(entry) : null;

    public async Task<List<IGrainReminder>> GetReminders(GrainId callingGrainId) =>
        [.. (await table.ReadRows(callingGrainId)).Reminders.Select(e => new ReminderHandle(e))];

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        await table.Init();
        if (silo.Cluster is null)
        {
            await ReadAsync();
            return;
        }

        // The share may be another one with each view; and what a view's change missed, the next look finds.
        Note(silo.Cluster.Oracle.View);
        silo.ViewChanged += view =>
        {
            Note(view);
            _wake.Set();
        };
        _reading = ReadAlwaysAsync(_stopped.Token);
    }

    private void Note(ClusterView view)
    {
        lock (_unread)
        {
            _unread.Add((view, silo.Time.GetTimestamp()));
        }
    }

    private async Task ReadAlwaysAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var next = options.Value.RefreshReminderListPeriod;
            try
            {
                await ReadAsync();
            }
            catch (Exception e)
            {
                silo.Log.RemindersNotRead(e);
                next = next < RetryAfter ? next : RetryAfter;
            }

            await _wake.WaitAsync(next, cancellationToken);
        }
    }

    /// <summary>Fires what is this silo's share, and nothing else.</summary>
    private async Task ReadAsync()
    {
        var view = silo.Cluster?.Oracle.View;
        var rows = (await table.ReadRows(0, 0)).Reminders.Where(e => silo.Owns(e.GrainId)).ToDictionary(e => (e.GrainId, e.ReminderName));
        foreach (var (key, reminder) in _reminders)
        {
            // One that was registered after the read began is not among the rows yet; the next read judges it.
            var isStale = !silo.Owns(key.Item1) || (!rows.ContainsKey(key) && reminder.IsOlderThan(options.Value.RefreshReminderListPeriod / 2));
            if (isStale && _reminders.TryRemove(KeyValuePair.Create(key, reminder)))
            {
                reminder.Dispose();
            }
        }

        foreach (var (key, entry) in rows)
        {
            if (!_reminders.TryGetValue(key, out var known) || known.ETag != entry.ETag)
            {
                Watch(entry, view is null ? TimeSpan.MaxValue : MissedSince(entry.GrainId, view));
            }
        }

        _view = view;
        lock (_unread)
        {
            _unread.RemoveAll(u => u.View.Version <= view?.Version);
        }
    }

    /// <summary>How long ago a tick may have been due that nobody has fired: what is older was fired by whose the reminder was.</summary>
    private TimeSpan MissedSince(GrainId grain, ClusterView now)
    {
        // With the first look the others had all of it until now.
        var self = silo.Cluster!.Self;
        var owner = _view?.OwnerOf(grain)?.Silo;
        var before = owner ?? now.Active.Select(m => m.Silo).FirstOrDefault(s => s != self);
        if (before is null || before == self)
        {
            return TimeSpan.MaxValue;
        }

        // From then on nobody has fired it, because whoever gains a reminder learns of it from the table.
        (ClusterView View, long At) lost;
        lock (_unread)
        {
            lost = _unread.Find(u => owner is null ? u.View.OwnerOf(grain)?.Silo == self : u.View.OwnerOf(grain)?.Silo != owner);
        }

        return (lost.View is null ? TimeSpan.Zero : silo.Time.GetElapsedTime(lost.At))
            + (now.Find(before) is { Status: not SiloStatus.Dead } or { VotedDeadAt: 0 } ? MovedSince : DeadSince);
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopped.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var reminder in _reminders.Values)
        {
            reminder.Dispose();
        }

        _reminders.Clear();
    }

    private void Watch(ReminderEntry entry, TimeSpan missedSince) => _reminders.AddOrUpdate(
        (entry.GrainId, entry.ReminderName),
        static (_, a) => new LocalReminder(a.silo, a.entry, a.missedSince),
        static (_, old, a) =>
        {
            old.Dispose();
            return new LocalReminder(a.silo, a.entry, a.missedSince);
        },
        (silo, entry, missedSince));

    private sealed class ReminderHandle(ReminderEntry entry) : IGrainReminder
    {
        public string ReminderName => entry.ReminderName;

        public string ETag => entry.ETag;
    }
}

/// <summary>One reminder's timer. A tick that was missed while no silo ran is sent at once, the next at its own time.</summary>
internal sealed class LocalReminder : IDisposable
{
    /// <summary>A tick that comes while views change waits so long to be anybody's.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    private readonly SiloRuntime _silo;
    private readonly ReminderEntry _entry;
    private readonly ITimer _timer;
    private readonly long _since;
    private volatile bool _isDisposed;

    /// <param name="missedSince">A tick that was due longer ago was fired by another silo.</param>
    public LocalReminder(SiloRuntime silo, ReminderEntry entry, TimeSpan missedSince)
    {
        _silo = silo;
        _entry = entry;
        _since = silo.Time.GetTimestamp();
        var now = silo.Time.GetUtcNow().UtcDateTime;
        var due = entry.StartAt - now;
        if (due <= TimeSpan.Zero)
        {
            due = now - Last(now) <= missedSince ? TimeSpan.Zero : Last(now) + entry.Period - now;
        }

        _timer = silo.Time.CreateTimer(static self => _ = ((LocalReminder)self!).TickAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    public string ETag => _entry.ETag ?? "";

    public bool IsOlderThan(TimeSpan age) => _silo.Time.GetElapsedTime(_since) > age;

    public void Dispose()
    {
        _isDisposed = true;
        _timer.Dispose();
    }

    private async Task TickAsync()
    {
        if (_isDisposed || _silo.IsStopped)
        {
            return;
        }

        if (!_silo.Owns(_entry.GrainId))
        {
            // Whose it is fires it. If that is found to be this silo after all, the tick is only late.
            _timer.Change(LookAgain, Timeout.InfiniteTimeSpan);
            return;
        }

        var now = _silo.Time.GetUtcNow().UtcDateTime;
        try
        {
            var grain = _silo.Factory.GetGrain<IRemindable>(_entry.GrainId);
            await grain.ReceiveReminder(_entry.ReminderName, new TickStatus(_entry.StartAt, _entry.Period, now));
        }
        catch (Exception e)
        {
            _silo.Log.ReminderFailed(e, _entry.GrainId, _entry.ReminderName);
        }

        if (!_isDisposed)
        {
            // The next multiple of the period after the start, so that ticks do not drift.
            now = _silo.Time.GetUtcNow().UtcDateTime;
            _timer.Change(Last(now) + _entry.Period - now, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>When it was due last.</summary>
    private DateTime Last(DateTime now) => _entry.StartAt + (_entry.Period * Math.Floor((now - _entry.StartAt) / _entry.Period));
}
