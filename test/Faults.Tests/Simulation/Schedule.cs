using System.Globalization;

namespace VoiceCluster.Faults.Tests.Simulation;

/// <summary>What can go wrong.</summary>
public enum FaultKind
{
    /// <summary>A silo ends without a word.</summary>
    Kill,

    /// <summary>A silo leaves in order.</summary>
    Stop,

    /// <summary>A silo joins.</summary>
    Join,

    /// <summary>Nothing passes between two groups of silos.</summary>
    Partition,

    /// <summary>Nothing passes between two silos.</summary>
    Cut,

    /// <summary>Nothing passes from one silo to another.</summary>
    CutOneWay,

    /// <summary>What one silo says to another comes late.</summary>
    Slow,

    /// <summary>A silo reaches no other silo.</summary>
    Alone,

    /// <summary>A silo reaches no other silo, nor the membership table, nor the outside clients; only the store.</summary>
    Isolate,

    /// <summary>An outside client does not reach a silo.</summary>
    CutClient,

    /// <summary>The membership table fails.</summary>
    TableFails,

    /// <summary>The membership table does not answer.</summary>
    TableHangs,

    /// <summary>The membership table does what it is told, and fails to say so.</summary>
    TableForgets,

    /// <summary>The store fails.</summary>
    StoreFails,

    /// <summary>The store does not answer.</summary>
    StoreHangs,

    /// <summary>The store does what it is told, and fails to say so.</summary>
    StoreForgets,
}

/// <summary>One fault.</summary>
/// <param name="At">When it begins.</param>
/// <param name="Lasts">When it is over again, counted from its begin.</param>
/// <param name="First">Which silo, counted round among those that live; for tables and stores the silo that is struck, or every one with 0.</param>
/// <param name="Second">Which other one.</param>
public sealed record Fault(FaultKind Kind, TimeSpan At, TimeSpan Lasts, int First, int Second)
{
    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{At.TotalSeconds:f2} s {Kind}({First}, {Second}) for {Lasts.TotalSeconds:f2} s");
}

/// <summary>A cluster and what goes wrong in it, drawn from a seed: one seed, one schedule.</summary>
/// <param name="Pause">Between two operations of a client, on average.</param>
public sealed record Schedule(int Seed, int Silos, int Clients, TimeSpan Pause, Fault[] Faults)
{
    private const int MaxFaults = 7;
    private const int LongFaults = 9;

    private static readonly TimeSpan LastBegin = TimeSpan.FromSeconds(10);

    private static readonly FaultKind[] Whole =
        [FaultKind.Kill, FaultKind.Stop, FaultKind.Join, FaultKind.TableFails, FaultKind.TableHangs, FaultKind.TableForgets, FaultKind.StoreFails, FaultKind.StoreHangs, FaultKind.StoreForgets];

    private static readonly FaultKind[] OfReminders = [.. Enum.GetValues<FaultKind>().Except([FaultKind.Isolate, FaultKind.CutClient])];

    /// <summary>The time between two ticks of a reminder.</summary>
    public static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    /// <summary>Grains with a reminder.</summary>
    public int Reminders { get; init; }

    /// <summary>Clients in each silo. One that waits for a silo that it does not reach asks for nothing else.</summary>
    public int ClientsEach { get; init; } = 1;

    /// <summary>Whether every silo can always speak with every other one.</summary>
    public bool IsWhole => Faults.All(f => Whole.Contains(f.Kind));

    /// <summary>When the last fault is over.</summary>
    public TimeSpan End => Faults.Max(f => f.At + f.Lasts);

    /// <summary>The schedule of a seed. Two of five have no fault of the network, so that more can be asked of them.</summary>
    public static Schedule Draw(int seed)
    {
        var random = new Random(seed);
        var kinds = random.Next(5) < 2 ? Whole : Enum.GetValues<FaultKind>();
        var silos = random.Next(3, 6);
        var faults = Enumerable.Range(0, random.Next(1, MaxFaults + 1)).Select(_ => new Fault(
            kinds[random.Next(kinds.Length)],
            Draw(random, TimeSpan.FromSeconds(0.5), LastBegin),

            // Short ones that nobody dies of, and longer ones.
            random.Next(3) == 0 ? Draw(random, TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(2)) : Draw(random, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(9)),
            random.Next(0, 60),
            random.Next(0, 60)));
        return new Schedule(seed, silos, 2, Draw(random, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(500)), [.. faults.OrderBy(f => f.At)]);
    }

    /// <summary>One silo reaches nothing but the store, for so long that the others take its grains over while it goes on.</summary>
    public static Schedule DrawIsolation(int seed)
    {
        var random = new Random(seed);
        return new Schedule(seed, random.Next(3, 5), 2, Draw(random, TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(1_000)),
        [
            new Fault(FaultKind.Isolate, TimeSpan.FromSeconds(1), Draw(random, TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(15)), random.Next(60), 0),
        ])
        {
            ClientsEach = 8,
        };
    }

    /// <summary>Ten minutes with reminders, faults all along, and time to get over each.</summary>
    public static Schedule DrawLong(int seed)
    {
        var random = new Random(seed);
        var faults = Enumerable.Range(0, LongFaults).Select(i => new Fault(
            OfReminders[random.Next(OfReminders.Length)],
            TimeSpan.FromSeconds((60 * i) + 30) + Draw(random, TimeSpan.Zero, TimeSpan.FromSeconds(60)),
            Draw(random, TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(9)),
            random.Next(60),
            random.Next(60)));
        return new Schedule(seed, random.Next(3, 6), 1, TimeSpan.FromSeconds(10), [.. faults.OrderBy(f => f.At)]) { Reminders = 24 };
    }

    /// <inheritdoc/>
    public override string ToString() => $"seed {Seed}: {Silos} silos, {Clients} outside clients, an operation each {Pause.TotalMilliseconds:f0} ms\n  {string.Join("\n  ", Faults.AsEnumerable())}";

    private static TimeSpan Draw(Random random, TimeSpan from, TimeSpan to) => from + ((to - from) * random.NextDouble());
}
