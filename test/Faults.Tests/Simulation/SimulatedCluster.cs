using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Storage;
using Orleans.TestingHost;
using VoiceCluster.Faults.Grains;
using VoiceCluster.Faults.History;
using VoiceCluster.Faults.Tests.Checking;
using VoiceCluster.Faults.Workload;

namespace VoiceCluster.Faults.Tests.Simulation;

/// <summary>A cluster in this process with a workload, and the hand that does it harm.</summary>
internal sealed class SimulatedCluster : IAsyncDisposable
{
    /// <summary>How long a caller waits.</summary>
    public static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(10);

    private readonly Schedule _schedule;
    private readonly PlantedBug _bug;
    private readonly ScheduleTime _clock;
    private readonly InMemoryMembershipTable _table = new();
    private readonly IGrainStorage _store;
    private readonly InMemoryReminderTable _reminders = new();
    private readonly TickLog _ticks = new();
    private readonly Dictionary<string, DateTime> _firstTicks = [];
    private readonly Outage _tableOutage;
    private readonly Outage _storeOutage;
    private readonly InProcessTestCluster _cluster;
    private readonly OperationLog _log = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<(WorkloadClient Client, SiloHandle? Silo, Task Run)> _clients = [];
    private readonly List<SiloHandle> _silos = [];
    private readonly List<IClusterClient> _outside = [];
    private readonly List<string> _events = [];

    public SimulatedCluster(Schedule schedule, TestClock clock, PlantedBug bug = PlantedBug.None)
    {
        (_schedule, _bug, _clock) = (schedule, bug, new ScheduleTime(clock));
        _store = bug is PlantedBug.StoreTakesOldETags or PlantedBug.StoreDropsWrites ? new PlantedStorage(new MemoryGrainStorage(), bug) : new MemoryGrainStorage();
        (_tableOutage, _storeOutage) = (new Outage("The table", _clock), new Outage("The store", _clock));
        var builder = new InProcessTestClusterBuilder((short)schedule.Silos);
        builder.Options.TimeProvider = _clock;
        builder.Options.MembershipTable = _table;
        builder.ConfigureSilo((options, silo) =>
        {
            silo.Configure<SiloMessagingOptions>(o => o.ResponseTimeout = ResponseTimeout);

            // The last of several that ended at once goes on within the limit of recovery.
            silo.Configure<ClusterMembershipOptions>(o => o.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(6));
            silo.Services.AddSingleton<IMembershipTable>(new FaultyTable(_table, _tableOutage, options.SiloName));
            silo.Services.AddKeyedSingleton<IGrainStorage>(FaultStore.Name, new FaultyStorage(_store, _storeOutage, options.SiloName));
            if (schedule.Reminders > 0)
            {
                silo.Services.AddSingleton<IReminderTable>(new FaultyReminders(_reminders, _storeOutage, options.SiloName));
                silo.Services.AddSingleton(_ticks);
                silo.AddReminders();
            }

            if (bug == PlantedBug.TicksAreDropped)
            {
                silo.AddIncomingGrainCallFilter(new TickDropper().Invoke);
            }

            silo.Services.AddLogging(l => l.AddProvider(new EventLog(options.SiloName, Note)));
        });
        builder.ConfigureClient(client => client.Configure<ClientMessagingOptions>(o => o.ResponseTimeout = ResponseTimeout));
        _cluster = builder.Build();
    }

    /// <summary>Everything that was asked.</summary>
    public Operation[] History => _log.Operations;

    /// <summary>What happened to the cluster.</summary>
    public string[] Events
    {
        get
        {
            lock (_events)
            {
                return [.. _events];
            }
        }
    }

    /// <summary>Whether every silo could always speak with every other one: also none that ended was still there.</summary>
    public bool IsWhole => _schedule.IsWhole;

    /// <summary>What the store has.</summary>
    public async Task<Dictionary<string, long>> StoredAsync()
    {
        var stored = new Dictionary<string, long>();
        foreach (var key in WorkloadClient.KeysOf(""))
        {
            var state = new GrainState<Number>();
            var type = key.StartsWith("counter", StringComparison.Ordinal) ? typeof(ICounterGrain) : typeof(IRegisterGrain);
            var id = (type == typeof(ICounterGrain) ? (IAddressable)_outside[0].GetGrain<ICounterGrain>(key) : _outside[0].GetGrain<IRegisterGrain>(key)).GetGrainId();
            await _store.ReadStateAsync("number", id, state);
            stored[key] = state.State.Value;
        }

        return stored;
    }

    /// <summary>Starts silos and clients.</summary>
    public async Task StartAsync()
    {
        await _cluster.DeployAsync();
        _outside.Add(_cluster.Client);
        while (_outside.Count < _schedule.Clients)
        {
            _outside.Add(await _cluster.AddClientAsync());
        }

        for (var i = 0; i < _outside.Count; i++)
        {
            AddClient($"outside {i}", _outside[i], null);
        }

        foreach (var silo in _cluster.Silos)
        {
            Welcome(silo);
        }

        for (var i = 0; i < _schedule.Reminders; i++)
        {
            var (key, due) = ($"alarm-{i}", Schedule.ReminderPeriod * i / _schedule.Reminders);
            _firstTicks[key] = _clock.GetUtcNow().UtcDateTime + due;
            await _cluster.Client.GetGrain<IAlarmGrain>(key).SetAsync(due, Schedule.ReminderPeriod);
        }

        if (_bug == PlantedBug.SiloForgetsAnother)
        {
            _silos[0].Forget(_silos[1].SiloAddress);
        }
    }

    /// <summary>What is wrong with the reminders: each is told at least once a period.</summary>
    public string[] CheckReminders() => ReminderChecker.Check(_ticks.Ticks, _firstTicks, Schedule.ReminderPeriod, _clock.GetUtcNow().UtcDateTime);

    /// <summary>Ends the workload; the last answers have come.</summary>
    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients.Select(c => c.Run));
    }

    /// <summary>Does everything that the schedule says, and ends when its last fault is over.</summary>
    public async Task RunAsync()
    {
        var begin = Elapsed();
        var steps = _schedule.Faults.Select(f => (f.At, Do: (Func<Task>)(() => BeginAsync(f)))).ToList();
        var pending = new List<Task>();
        foreach (var (at, act) in steps)
        {
            await WaitUntilAsync(begin + at);
            pending.Add(act());
        }

        await WaitUntilAsync(begin + _schedule.End);
        await Task.WhenAll(pending);
    }

    /// <summary>All faults are over: ends the workload, and waits until every client gets every answer. Answers how long that took.</summary>
    public async Task<TimeSpan> RecoverAsync(TimeSpan limit)
    {
        _cluster.Network.Heal();
        Note("-", "all faults are over");
        var since = Elapsed();
        await _stop.CancelAsync();
        if (Living().Length == 0)
        {
            // Each saw another declared dead and was killed after: an operator would start one again.
            await JoinAsync();
        }

        await Task.WhenAll(_clients.Select(c => c.Run));
        await Task.WhenAll(Survivors().SelectMany(client => WorkloadClient.KeysOf("").Select(key => (client, key))).GroupBy(c => c.client).Select(async group =>
        {
            foreach (var (client, key) in group)
            {
                // From memory: what an activation holds must not be read anew before it is judged.
                while (IsLeft(client) && !await client.AskAsync(key, OperationKind.Read))
                {
                    if (Elapsed() - since > limit)
                    {
                        throw new TimeoutException($"{client.Name} gets no answer of {key} {limit} after the last fault.");
                    }

                    await Task.Delay(TimeSpan.FromMilliseconds(50), _clock);
                }
            }
        }));
        return Elapsed() - since;
    }

    /// <summary>Waits until the silos agree on who they are and have looked again at what they took over.</summary>
    public async Task SettleAsync(TimeSpan limit)
    {
        var since = Elapsed();
        await _cluster.WaitForLivenessToStabilizeAsync();
        Note("-", $"the silos agree {(Elapsed() - since).TotalSeconds:f1} s after the recovery");
        if (Elapsed() - since > limit)
        {
            throw new TimeoutException($"The silos needed {Elapsed() - since} to agree.");
        }

        await Task.Delay(limit, _clock);
    }

    /// <summary>Every client that is left reads every grain.</summary>
    public Task ReadAllAsync() => Task.WhenAll(Survivors().Select(async client =>
    {
        foreach (var key in WorkloadClient.KeysOf(""))
        {
            if (!await client.AskAsync(key, OperationKind.Read, isFinal: true))
            {
                throw new InvalidOperationException($"{client.Name} gets no answer of {key} though the cluster is at rest: {History.Last(o => o.Client == client.Name).Note}");
            }
        }
    }));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _cluster.DisposeAsync();
        _log.Dispose();
        _stop.Dispose();
    }

    private TimeSpan Elapsed() => TimeSpan.FromTicks(_clock.GetTimestamp());

    private void Note(string who, string what)
    {
        lock (_events)
        {
            _events.Add($"{Elapsed().TotalSeconds,8:f2} s {who}: {what}");
        }
    }

    private Task WaitUntilAsync(TimeSpan at) => at > Elapsed() ? Task.Delay(at - Elapsed(), _clock) : Task.CompletedTask;

    private SiloHandle[] Living() => [.. _silos.Where(s => s is { IsActive: true, HasEnded: false })];

    private WorkloadClient[] Survivors() => [.. _clients.Where(c => c.Silo is null or { IsActive: true, HasEnded: false }).Select(c => c.Client)];

    private bool IsLeft(WorkloadClient client) => Survivors().Contains(client);

    private void Welcome(SiloHandle silo)
    {
        _silos.Add(silo);
        for (var i = 0; i < _schedule.ClientsEach; i++)
        {
            AddClient($"{silo.Name}.{i}", silo.ServiceProvider.GetRequiredService<IClusterClient>(), silo);
        }
    }

    private void AddClient(string name, IClusterClient client, SiloHandle? silo)
    {
        var workload = new WorkloadClient(name, _clients.Count, client, _log, _clock, (_schedule.Seed * 31) + _clients.Count);
        var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _clients.Add((workload, silo, Task.Run(() => workload.RunAsync(_schedule.Pause, stop.Token))));
    }

    private async Task JoinAsync()
    {
        var silo = await _cluster.StartAdditionalSiloAsync();
        Note(silo.Name, $"joins as {silo.SiloAddress}");
        Welcome(silo);
    }

    private async Task BeginAsync(Fault fault)
    {
        var living = Living();
        if (living.Length == 0)
        {
            return;
        }

        var first = living[fault.First % living.Length];
        var others = living.Where(s => s != first).ToArray();
        var second = others.Length > 0 ? others[fault.Second % others.Length] : null;
        Note(first.Name, $"{fault.Kind} {second?.Name} {fault.Lasts.TotalSeconds:f2} s");
        switch (fault.Kind)
        {
            case FaultKind.Kill or FaultKind.Stop:
                await EndAsync(first, fault.Kind == FaultKind.Stop);
                return;
            case FaultKind.Join:
                await JoinAsync();
                return;
            case FaultKind.TableFails or FaultKind.TableHangs or FaultKind.TableForgets:
                await StrikeAsync(_tableOutage, fault.Kind - FaultKind.TableFails, fault.Second % 2 == 0 ? null : first.Name, fault.Lasts);
                return;
            case FaultKind.StoreFails or FaultKind.StoreHangs or FaultKind.StoreForgets:
                await StrikeAsync(_storeOutage, fault.Kind - FaultKind.StoreFails, fault.Second % 2 == 0 ? null : first.Name, fault.Lasts);
                return;
        }

        var network = _cluster.Network;
        var client = _outside[fault.Second % _outside.Count];
        SiloHandle[] half = [first, .. others.Take(fault.Second % Math.Max(1, others.Length))];
        switch (fault.Kind)
        {
            case FaultKind.Partition:
                network.Partition(half.Select(s => s.SiloAddress), living.Except(half).Select(s => s.SiloAddress));
                break;
            case FaultKind.Cut when second is not null:
                network.Cut(first.SiloAddress, second.SiloAddress);
                break;
            case FaultKind.CutOneWay when second is not null:
                network.CutOneWay(first.SiloAddress, second.SiloAddress);
                break;
            case FaultKind.Slow when second is not null:
                network.Delay(first.SiloAddress, second.SiloAddress, TimeSpan.FromMilliseconds(20 * fault.Second));
                break;
            case FaultKind.Alone or FaultKind.Isolate:
                network.Partition([first.SiloAddress], others.Select(s => s.SiloAddress));
                break;
            case FaultKind.CutClient:
                network.Cut(client, first.SiloAddress);
                break;
        }

        if (fault.Kind == FaultKind.Isolate)
        {
            foreach (var outside in _outside)
            {
                network.Cut(outside, first.SiloAddress);
            }

            _tableOutage.Begin(OutageKind.Hangs, first.Name);
        }

        await Task.Delay(fault.Lasts, _clock);
        foreach (var a in living)
        {
            foreach (var b in living.Where(b => b != a))
            {
                network.Mend(a.SiloAddress, b.SiloAddress);
            }
        }

        foreach (var outside in _outside)
        {
            network.Mend(outside, first.SiloAddress);
        }

        if (fault.Kind == FaultKind.Isolate)
        {
            _tableOutage.End(OutageKind.Hangs, first.Name);
        }

        Note(first.Name, $"{fault.Kind} is over");
    }

    private async Task StrikeAsync(Outage outage, int kind, string? silo, TimeSpan lasts)
    {
        outage.Begin((OutageKind)kind, silo);
        await Task.Delay(lasts, _clock);
        outage.End((OutageKind)kind, silo);
    }

    /// <summary>Ends a silo, unless it is the last one that all others would have to live on.</summary>
    private async Task EndAsync(SiloHandle silo, bool inOrder)
    {
        var rows = (await _table.ReadAll()).Members.Where(m => m.Item1.Status == SiloStatus.Active).Select(m => m.Item1.SiloAddress).ToHashSet();
        if (Living().Count(s => s != silo && rows.Contains(s.SiloAddress)) == 0)
        {
            Note(silo.Name, "is the last one and stays");
            return;
        }

        if (inOrder)
        {
            await _cluster.StopSiloAsync(silo);
        }
        else
        {
            _storeOutage.Bury(silo.Name);
            _tableOutage.Bury(silo.Name);
            await _cluster.KillSiloAsync(silo);
        }
    }

    /// <summary>Turns what silos log into events of the run.</summary>
    private sealed class EventLog(string silo, Action<string, string> note) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            // Silos that end drop what they would have told the others.
            if (IsEnabled(logLevel) && formatter(state, exception) is { } text && !text.StartsWith("The one-way call", StringComparison.Ordinal))
            {
                note(silo, $"{text}{(exception is null ? "" : $" ({exception.GetType().Name}: {exception.Message})")}");
            }
        }

        public void Dispose()
        {
        }
    }
}
