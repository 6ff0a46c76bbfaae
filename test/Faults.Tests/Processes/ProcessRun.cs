using System.Diagnostics;
using System.Globalization;
using VoiceCluster.Faults.History;
using VoiceCluster.Faults.Tests.Checking;
using VoiceCluster.Faults.Workload;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>One schedule on a cluster of processes: workload, faults, recovery, check.</summary>
internal sealed class ProcessRun(ProcessCluster cluster, ProcessSchedule schedule)
{
    private const int Pause = 20;

    /// <summary>A workload ends with its last call, which waits 10 s at most.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RecoveryLimit = TimeSpan.FromSeconds(45);

    /// <summary>By then silos have looked again at what they took over; see TableRefreshTimeout.</summary>
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-faults-").FullName;
    private readonly List<string> _events = [];
    private readonly long _since = Stopwatch.GetTimestamp();

    /// <summary>What the clients saw; complete at the end.</summary>
    public Operation[] History { get; private set; } = [];

    /// <summary>From the end of the faults to the last client's answers.</summary>
    public TimeSpan Recovery { get; private set; }

    /// <summary>Null when all is as promised.</summary>
    public async Task<string?> RunAsync()
    {
        string[] violations;
        try
        {
            violations = await RunUncheckedAsync();
        }
        catch (Exception e)
        {
            violations = [e.ToString()];
        }
        finally
        {
            Directory.Delete(_folder, recursive: true);
        }

        return violations.Length == 0
            ? null
            : $"""
              {schedule}
              {string.Join('\n', _events)}
              {string.Join('\n', cluster.Living.Select(s => $"{s.Silo.Name}:\n  {string.Join("\n  ", s.Silo.Errors.TakeLast(30))}"))}
              {string.Join('\n', violations)}
              Again: ./faults.sh 1 {schedule.Seed}
              """;
    }

    private async Task<string[]> RunUncheckedAsync()
    {
        await cluster.RestoreAsync(schedule.Silos);
        var run = $"{schedule.Seed}-";
        var begin = Stopwatch.GetTimestamp();
        using var log = new OperationLog();
        var outside = new WorkloadClient("outside", 99, cluster.Client, log, TimeProvider.System, schedule.Seed, run);
        using var stop = new CancellationTokenSource();
        var asking = Task.Run(() => outside.RunAsync(TimeSpan.FromMilliseconds(Pause), stop.Token));
        await LetSilosAskAsync(run);
        await Task.WhenAll(schedule.Faults.Select(f => BeginAsync(f, begin, run)));
        cluster.Network?.Mend();
        Note("all faults are over");
        var over = Stopwatch.GetTimestamp();
        await stop.CancelAsync();
        if (!cluster.Living.Any())
        {
            // Nobody is left: those that come next are told of the run as well, so that they too ask every grain of it.
            await cluster.RestoreAsync(schedule.Silos);
            await LetSilosAskAsync(run);
        }

        await Task.WhenAll(cluster.Living.Select(s => s.Silo.AskAsync("end", EndLimit)).Append(asking));

        await Task.WhenAll(cluster.Living.Select(s => s.Silo.AskAsync("recover", RecoveryLimit)).Append(RecoverAsync(outside)));
        Recovery = Stopwatch.GetElapsedTime(over);
        Note("everybody gets answers again");
        await AgreeAsync();
        await Task.Delay(Doubt);
        var answers = await Task.WhenAll(cluster.Living.Select(s => s.Silo.AskAsync("final", EndLimit)));
        foreach (var key in outside.AllKeys)
        {
            if (!await outside.AskAsync(key, OperationKind.Read, isFinal: true) || !await outside.AskAsync(key, OperationKind.ReadStored, isFinal: true))
            {
                return [$"{key} does not answer though the cluster is at rest: {log.Operations[^1].Note}"];
            }
        }

        History = [.. log.Operations, .. Directory.GetFiles(_folder).SelectMany(OperationLog.Read)];
        return [.. answers.Where(a => a is not (null or "read")).Select(a => a!), .. HistoryChecker.Check(History, schedule.IsWhole, stored: null)];
    }

    private async Task LetSilosAskAsync(string run)
    {
        foreach (var (place, silo) in cluster.Living)
        {
            await LetAskAsync(run, place, silo);
        }
    }

    private Task<string?> LetAskAsync(string run, int place, SiloProcess silo) => silo.AskAsync(
        string.Create(CultureInfo.InvariantCulture, $"begin {run} {(schedule.Seed * 31) + place} {place} {Pause} {File(silo)}"), EndLimit);

    private static async Task<string?> RecoverAsync(WorkloadClient outside)
    {
        var since = Stopwatch.GetTimestamp();
        foreach (var key in outside.AllKeys)
        {
            while (!await outside.AskAsync(key, OperationKind.Read))
            {
                if (Stopwatch.GetElapsedTime(since) > RecoveryLimit)
                {
                    throw new TimeoutException($"{outside.Name} gets no answer of {key} {RecoveryLimit} after the last fault.");
                }

                await Task.Delay(20);
            }
        }

        return null;
    }

    /// <summary>Waits until the silos that serve are the processes that live.</summary>
    private async Task AgreeAsync()
    {
        var since = Stopwatch.GetTimestamp();
        while (await cluster.CountActiveAsync() != cluster.Living.Count())
        {
            if (Stopwatch.GetElapsedTime(since) > RecoveryLimit)
            {
                throw new TimeoutException($"{await cluster.CountActiveAsync()} silos serve and {cluster.Living.Count()} live.");
            }

            await Task.Delay(50);
        }
    }

    private string File(SiloProcess silo) => Path.Combine(_folder, silo.Name);

    private void Note(string what)
    {
        lock (_events)
        {
            _events.Add(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_since).TotalSeconds,8:f2} s {what}"));
        }
    }

    private async Task BeginAsync(ProcessFault fault, long begin, string run)
    {
        var wait = fault.At - Stopwatch.GetElapsedTime(begin);
        await Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
        var silo = cluster.At(fault.Place);
        Note($"{fault.Kind} of {silo.Name}");
        switch (fault.Kind)
        {
            case ProcessFaultKind.Kill or ProcessFaultKind.Terminate:
                // One is left to tell the story; whether the others have voted it dead is not known here.
                if (cluster.Living.Count() > 1)
                {
                    await silo.SignalAsync(fault.Kind == ProcessFaultKind.Kill ? "KILL" : "TERM");
                    await silo.WaitForExitAsync(EndLimit + EndLimit);
                }

                return;
            case ProcessFaultKind.Join:
                await JoinAsync(run);
                return;
            case ProcessFaultKind.TableDies:
                await cluster.KillTableAsync();
                break;
            case ProcessFaultKind.StoreDies:
                await cluster.KillDatabaseAsync();
                break;
            case ProcessFaultKind.Pause:
                await silo.SignalAsync("STOP");
                break;
            case ProcessFaultKind.TableHangs:
                cluster.Table.Hang();
                break;
            case ProcessFaultKind.StoreHangs:
                cluster.Database.Hang();
                break;
            default:
                Cut(fault);
                break;
        }

        await Task.Delay(fault.Lasts);
        switch (fault.Kind)
        {
            case ProcessFaultKind.TableDies:
                await cluster.RestartTableAsync();
                break;
            case ProcessFaultKind.StoreDies:
                await cluster.RestartDatabaseAsync();
                break;
            case ProcessFaultKind.Pause:
                await silo.SignalAsync("CONT");
                break;
            case ProcessFaultKind.TableHangs:
                cluster.Table.GoOn();
                break;
            case ProcessFaultKind.StoreHangs:
                cluster.Database.GoOn();
                break;
            default:
                cluster.Network!.Mend();
                break;
        }

        Note($"{fault.Kind} of {silo.Name} is over");
    }

    /// <summary>A silo that joins is ready when everything that it needs is there, and asks from then on.</summary>
    private async Task JoinAsync(string run)
    {
        var (place, silo) = await cluster.AddSiloAsync();
        Note($"{silo.Name} has {(silo.HasExited ? "ended" : "joined")}");
        await LetAskAsync(run, place, silo);
    }

    private void Cut(ProcessFault fault)
    {
        var network = cluster.Network!;
        var others = Enumerable.Range(0, cluster.Count).Where(i => i != fault.Place).ToArray();
        foreach (var other in fault.Kind == ProcessFaultKind.OneWay ? others.Take(1) : others)
        {
            network.Cut(fault.Place, network.Address(other));
            if (fault.Kind != ProcessFaultKind.OneWay)
            {
                network.Cut(other, network.Address(fault.Place));
            }
        }

        if (fault.Kind == ProcessFaultKind.Isolate)
        {
            network.Cut(fault.Place, network.Bridge);
        }
    }
}
