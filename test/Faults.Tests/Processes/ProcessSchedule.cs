using System.Globalization;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>What can happen to a process and to the network around it.</summary>
internal enum ProcessFaultKind
{
    /// <summary>kill -9.</summary>
    Kill,

    /// <summary>SIGTERM.</summary>
    Terminate,

    /// <summary>SIGSTOP, and SIGCONT when it is over.</summary>
    Pause,

    /// <summary>The membership table does not answer.</summary>
    TableHangs,

    /// <summary>The database does not answer.</summary>
    StoreHangs,

    /// <summary>The server of the membership table dies, and starts again when it is over.</summary>
    TableDies,

    /// <summary>The database server dies, and starts again when it is over.</summary>
    StoreDies,

    /// <summary>One more silo joins.</summary>
    Join,

    /// <summary>A silo and the others do not reach each other.</summary>
    Alone,

    /// <summary>A silo does not reach another one, which does reach it.</summary>
    OneWay,

    /// <summary>A silo reaches nobody, no server either.</summary>
    Isolate,
}

/// <summary>One fault: when it begins, how long it lasts, and which silo it strikes.</summary>
internal sealed record ProcessFault(ProcessFaultKind Kind, TimeSpan At, TimeSpan Lasts, int Place)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{At.TotalSeconds:f2} s {Kind} of silo {Place} for {Lasts.TotalSeconds:f2} s");
}

/// <summary>What goes wrong, drawn from a seed.</summary>
internal sealed record ProcessSchedule(int Seed, int Silos, ProcessFault[] Faults)
{
    /// <summary>Silos at the start, at most.</summary>
    public const int MaxSilos = 5;

    /// <summary>Faults, at most; each may be a silo that joins.</summary>
    public const int MaxFaults = 4;

    private const int MinSilos = 3;

    /// <summary>Whether every silo can speak with every other one, as long as both run: one that was stopped knows by then whether it still belongs to them.</summary>
    public bool IsWhole => Faults.All(f => f.Kind < ProcessFaultKind.Alone);

    public TimeSpan End => Faults.Max(f => f.At + f.Lasts);

    public static ProcessSchedule Draw(int seed, bool hasNetwork)
    {
        var random = new Random(seed);
        var silos = random.Next(MinSilos, MaxSilos + 1);
        var kinds = hasNetwork ? Enum.GetValues<ProcessFaultKind>() : Enum.GetValues<ProcessFaultKind>().Where(k => k < ProcessFaultKind.Alone).ToArray();
        return new ProcessSchedule(seed, silos,
        [
            .. Enumerable.Range(0, random.Next(1, MaxFaults + 1)).Select(_ => new ProcessFault(
                kinds[random.Next(kinds.Length)],
                TimeSpan.FromMilliseconds(random.Next(200, 1_500)),
                TimeSpan.FromMilliseconds(random.Next(2) == 0 ? random.Next(200, 900) : random.Next(2_000, 3_500)),
                random.Next(silos))).OrderBy(f => f.At),
        ]);
    }

    public override string ToString() => $"seed {Seed}, {Silos} silos\n  {string.Join("\n  ", Faults.AsEnumerable())}";
}
