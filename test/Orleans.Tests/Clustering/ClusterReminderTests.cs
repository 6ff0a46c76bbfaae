using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>Alone in the process, because the clock goes on when nothing in it has anything to do.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class OneClock
{
    public const string Name = "One clock";
}

/// <summary>Reminders of several silos, on a clock that runs as fast as they keep up.</summary>
[Collection(OneClock.Name)]
public sealed class ClusterReminderTests
{
    private const int Grains = 40;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly string _run = Guid.NewGuid().ToString("N");
    private readonly TestClock _clock = new();
    private readonly TableThatMayBeAway _table = new();
    private readonly InProcessTestCluster _cluster;

    public ClusterReminderTests()
    {
        var builder = new InProcessTestClusterBuilder(3);
        builder.Options.TimeProvider = _clock;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddMemoryGrainStorageAsDefault();
            silo.Services.AddSingleton<IReminderTable>(_table);
            silo.AddReminders();
        });
        _cluster = builder.Build();
    }

    private SeenTick[] Seen => AlarmGrain.Seen.TryGetValue(_run, out var seen) ? [.. seen] : [];

    [Fact]
    public Task Reminders_OfThreeSilos_FireOnOneSiloEachAndOncePerPeriod() => RunAsync(async () =>
    {
        await SetAllAsync(Minute);
        await PassAsync(TimeSpan.FromMinutes(5.5));

        var ticks = Seen;
        Assert.Equal(3, ticks.Select(t => t.Silo).Distinct().Count());
        foreach (var grain in ticks.GroupBy(t => t.Grain))
        {
            Assert.Equal(5, grain.Count());
            Assert.Single(grain.Select(t => t.Silo).Distinct());
        }

        Assert.Equal(Grains, ticks.Select(t => t.Grain).Distinct().Count());
    });

    [Fact]
    public Task Reminders_OfAKilledSilo_FireOnTheOthersAndTheTickThatFellIntoTheGapIsNotLost() => RunAsync(async () =>
    {
        await SetAllAsync(Minute * 10);
        await PassAsync(Minute * 15);
        var killed = _cluster.Silos[1];
        var lost = Seen.Where(t => t.Silo == killed.Name).Select(t => t.Grain).ToHashSet();
        Assert.NotEmpty(lost);

        // A moment before the second tick.
        await PassAsync(TimeSpan.FromSeconds(299.5));
        await _cluster.KillSiloAsync(killed);
        await PassAsync(TimeSpan.FromSeconds(20));

        var second = Seen.GroupBy(t => t.Grain).ToDictionary(g => g.Key, g => g.Count());
        Assert.All(Enumerable.Range(0, Grains), i => Assert.Equal(2, second[i]));
        await PassAsync(Minute * 20);
        Assert.All(Seen.GroupBy(t => t.Grain), g => Assert.Equal(4, g.Count()));
        Assert.All(Seen.GroupBy(t => t.Grain).Where(g => lost.Contains(g.Key)), g => Assert.Single(g.Skip(1).Select(t => t.Silo).Distinct()));
    });

    [Fact]
    public Task Reminders_OfASiloThatStops_MoveWithoutATickTooManyOrTooFew() => RunAsync(async () =>
    {
        await SetAllAsync(Minute * 10);
        await PassAsync(Minute * 11);
        await _cluster.StopSiloAsync(_cluster.Silos[2]);
        await PassAsync(Minute);
        Assert.All(Seen.GroupBy(t => t.Grain), g => Assert.Single(g));

        await PassAsync(Minute * 9);
        Assert.Equal(Grains, Seen.GroupBy(t => t.Grain).Count(g => g.Count() == 2));
    });

    [Fact]
    public Task Reminders_WhenASiloJoins_MoveWithTheirShareWithoutATickTooMany() => RunAsync(async () =>
    {
        await SetAllAsync(Minute * 10);
        await PassAsync(Minute * 11);
        var joined = await _cluster.StartAdditionalSiloAsync();
        await PassAsync(Minute);
        Assert.All(Seen.GroupBy(t => t.Grain), g => Assert.Single(g));

        await PassAsync(Minute * 9);
        Assert.Equal(Grains, Seen.GroupBy(t => t.Grain).Count(g => g.Count() == 2));
        Assert.Contains(Seen, t => t.Silo == joined.Name);
    });

    [Fact]
    public Task Reminders_OfASiloThatDiesWhileTheirTableIsAway_FireSoonAfterItIsBack() => RunAsync(async () =>
    {
        await SetAllAsync(Minute);
        await PassAsync(Minute * 1.5);
        _table.IsAway = true;
        await _cluster.KillSiloAsync(_cluster.Silos[0]);
        await PassAsync(Minute);
        _table.IsAway = false;
        await PassAsync(TimeSpan.FromSeconds(10));

        Assert.All(Enumerable.Range(0, Grains), i => Assert.Equal(2, Seen.Count(t => t.Grain == i)));
    });

    /// <summary>Longer than what a silo that died may have left undone.</summary>
    [Fact]
    public Task Reminders_OfASiloThatDiesWhileTheirTableIsAwayForLong_FireSoonAfterItIsBack() => RunAsync(async () =>
    {
        await SetAllAsync(Minute * 10);
        await PassAsync(Minute * 19);
        _table.IsAway = true;
        await _cluster.KillSiloAsync(_cluster.Silos[0]);
        await PassAsync(Minute * 5);
        _table.IsAway = false;
        await PassAsync(TimeSpan.FromSeconds(10));
        Assert.All(Enumerable.Range(0, Grains), i => Assert.Equal(2, Seen.Count(t => t.Grain == i)));

        await PassAsync(Minute * 7);
        Assert.All(Enumerable.Range(0, Grains), i => Assert.Equal(3, Seen.Count(t => t.Grain == i)));
    });

    /// <summary>Whose they were does not fire them any more, and whose they are cannot know of them before the table is back.</summary>
    [Fact]
    public Task Reminders_WhenASiloJoinsWhileTheirTableIsAway_FireOnceWhenItIsBack() => RunAsync(async () =>
    {
        await SetAllAsync(Minute * 10);
        await PassAsync(Minute * 19);
        _table.IsAway = true;
        var joined = await _cluster.StartAdditionalSiloAsync();
        await PassAsync(Minute * 4);
        Assert.DoesNotContain(Seen, t => t.Silo == joined.Name);
        Assert.Contains(Seen.GroupBy(t => t.Grain), g => g.Count() == 1);

        _table.IsAway = false;
        await PassAsync(TimeSpan.FromSeconds(10));
        Assert.All(Enumerable.Range(0, Grains), i => Assert.Equal(2, Seen.Count(t => t.Grain == i)));
        Assert.Contains(Seen, t => t.Silo == joined.Name);
        await PassAsync(Minute * 8);
        Assert.All(Enumerable.Range(0, Grains), i => Assert.Equal(3, Seen.Count(t => t.Grain == i)));
    });

    private Task RunAsync(Func<Task> test) => _clock.RunAsync(
        async () =>
        {
            await using (_cluster)
            {
                await _cluster.DeployAsync();
                await test();
            }
        },
        TimeSpan.FromMilliseconds(1));

    private async Task SetAllAsync(TimeSpan period)
    {
        for (var i = 0; i < Grains; i++)
        {
            await _cluster.Client.GetGrain<IAlarmGrain>(i).SetAsync(_run, period, period);
        }
    }

    private Task PassAsync(TimeSpan time) => Task.Delay(time, _clock);

    /// <summary>One table for all silos, as a database is.</summary>
    private sealed class TableThatMayBeAway : IReminderTable
    {
        private readonly InMemoryReminderTable _rows = new();

        public bool IsAway { get; set; }

        public Task<ReminderTableData> ReadRows(GrainId grainId) => Table.ReadRows(grainId);

        public Task<ReminderTableData> ReadRows(uint begin, uint end) => Table.ReadRows(begin, end);

        public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) => Table.ReadRow(grainId, reminderName);

        public Task<string> UpsertRow(ReminderEntry entry) => Table.UpsertRow(entry);

        public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) => Table.RemoveRow(grainId, reminderName, eTag);

        public Task TestOnlyClearTable() => Table.TestOnlyClearTable();

        private InMemoryReminderTable Table => IsAway ? throw new IOException("The reminders' table is away.") : _rows;
    }
}
