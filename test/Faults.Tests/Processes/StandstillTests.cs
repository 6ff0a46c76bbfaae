using VoiceCluster.Faults.History;
using VoiceCluster.Faults.Workload;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>A silo that stood still, and a membership table that is away when it goes on.</summary>
[Collection(RealServers.Name)]
public sealed class StandstillTests(ServerFixture servers)
{
    /// <summary>Shorter than shipped, so that the tests are short.</summary>
    private static readonly TimeSpan Probe = TimeSpan.FromMilliseconds(300);

    /// <summary>Longer than it takes to declare a silo dead.</summary>
    private static readonly TimeSpan Long = Probe * 10;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>The others know that it is dead, and say so; the table need not.</summary>
    [Fact]
    public async Task Silo_DeclaredDeadWhileItStoodStillAndTheTableIsAway_EndsWithoutAnOldAnswer()
    {
        await using var cluster = new ProcessCluster(servers, silos: 3, onRedis: true, network: null, Probe);
        await cluster.StartAsync();
        await using var stopped = await StoppedSilo.StopAsync(cluster);
        await stopped.UntilOutAsync(cluster, left: 2);
        await stopped.WriteAllAsync();

        cluster.Table.Hang();
        await stopped.GoOnAsync();
        await stopped.Silo.WaitForExitAsync(Deadline);

        stopped.AssertNoOldAnswer();
        cluster.Table.GoOn();
    }

    /// <summary>Nobody is left who could say so: then it waits for the table, however long that takes.</summary>
    [Fact]
    public async Task Silo_AloneAfterAStandstillWithoutTheTable_SaysNothingUntilItIsBack()
    {
        await using var cluster = new ProcessCluster(servers, silos: 1, onRedis: true, network: null, Probe);
        await cluster.StartAsync();
        await using var stopped = await StoppedSilo.StopAsync(cluster);

        // It does not know the one that comes now, and that one finds it dead.
        var (_, other) = await cluster.AddSiloAsync();
        await stopped.UntilOutAsync(cluster, left: 1);
        await stopped.WriteAllAsync();
        cluster.Table.Hang();
        await other.SignalAsync("STOP");

        await stopped.GoOnAsync();
        await UntilAsync(() => Task.FromResult(stopped.Silo.Errors.Any(e => e.Contains("stays silent", StringComparison.Ordinal))), "It does not say that it stays silent.");
        await Task.Delay(Long);
        Assert.False(stopped.Silo.HasExited);

        cluster.Table.GoOn();
        await stopped.Silo.WaitForExitAsync(Deadline);
        stopped.AssertNoOldAnswer();
        await other.SignalAsync("CONT");
    }

    /// <summary>One that was not declared dead goes on by the word of another silo, and the table may stay away.</summary>
    [Fact]
    public async Task Silo_StoodStillWhileTheTableIsAway_GoesOnByTheWordOfAnother()
    {
        await using var cluster = new ProcessCluster(servers, silos: 2, onRedis: true, network: null, Probe);
        await cluster.StartAsync();
        using var log = new OperationLog();
        var outside = new WorkloadClient("outside", 99, cluster.Client, log, TimeProvider.System, 1, "word-");
        await WriteAllAsync(outside);

        cluster.Table.Hang();
        var (_, silo) = cluster.Living.First();
        await silo.SignalAsync("STOP");
        await Task.Delay(Long);
        await silo.SignalAsync("CONT");
        await WriteAllAsync(outside);

        Assert.Contains(silo.Errors, e => e.Contains("stood still", StringComparison.Ordinal));
        Assert.Contains(log.Operations, o => o.Outcome == Outcome.Ok && o.Note == silo.Name && o.Value > 0);
        Assert.Equal(2, cluster.Living.Count());
        cluster.Table.GoOn();
    }

    private static Task WriteAllAsync(WorkloadClient client) => Task.WhenAll(client.AllKeys.Select(key => UntilAsync(
        () => client.AskAsync(key, key.StartsWith("counter", StringComparison.Ordinal) ? OperationKind.Increment : OperationKind.Write), $"{key} does not answer.")));

    private static async Task UntilAsync(Func<Task<bool>> isSo, string otherwise)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Deadline, otherwise);
            await Task.Delay(20);
        }
    }

    /// <summary>A silo that was stopped while clients in it were asking the grains of the test, one after the other.</summary>
    private sealed class StoppedSilo : IAsyncDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("voicecluster-faults-");
        private readonly OperationLog _log;
        private readonly WorkloadClient _outside;
        private long _went;

        private StoppedSilo(SiloProcess silo, WorkloadClient outside, OperationLog log)
        {
            Silo = silo;
            _outside = outside;
            _log = log;
        }

        public SiloProcess Silo { get; }

        private string File => Path.Combine(_folder.FullName, "log");

        public static async Task<StoppedSilo> StopAsync(ProcessCluster cluster)
        {
            var log = new OperationLog();
            var outside = new WorkloadClient("outside", 99, cluster.Client, log, TimeProvider.System, 1, "stopped-");
            await StandstillTests.WriteAllAsync(outside);
            var (place, silo) = cluster.Living.First(s => log.Operations.Any(o => o.Note == s.Silo.Name));
            var stopped = new StoppedSilo(silo, outside, log);
            await silo.AskAsync($"begin stopped- 7 {place} 1 {stopped.File}", Deadline);
            await UntilAsync(() => Task.FromResult(OperationLog.Read(stopped.File).Any(o => o.Note == silo.Name)), "The silo's clients are not answered by it.");
            await silo.SignalAsync("STOP");
            return stopped;
        }

        public Task UntilOutAsync(ProcessCluster cluster, int left) => UntilAsync(async () => await cluster.CountActiveAsync() == left, "The silo is not declared dead.");

        /// <summary>Everything is written anew: whatever the silo has in memory is old from now on.</summary>
        public Task WriteAllAsync() => StandstillTests.WriteAllAsync(_outside);

        public async Task GoOnAsync()
        {
            _went = System.Diagnostics.Stopwatch.GetTimestamp();
            await Silo.SignalAsync("CONT");
        }

        public void AssertNoOldAnswer()
        {
            Operation[] history = [.. _log.Operations, .. OperationLog.Read(File)];
            Assert.Contains(history, o => o.Client.StartsWith(Silo.Name, StringComparison.Ordinal) && o.Note == Silo.Name);
            Assert.DoesNotContain(history, o => o.Note == Silo.Name && o.Outcome == Outcome.Ok && o.Invoked > _went);
            Assert.Empty(Checking.HistoryChecker.Check(history, isWhole: true, stored: null));
        }

        public ValueTask DisposeAsync()
        {
            _log.Dispose();
            _folder.Delete(recursive: true);
            return ValueTask.CompletedTask;
        }
    }
}
