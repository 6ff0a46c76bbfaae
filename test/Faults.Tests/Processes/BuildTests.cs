using System.Globalization;
using VoiceCluster.Faults.History;
using VoiceCluster.Faults.Tests.Checking;
using VoiceCluster.Faults.Workload;
using Xunit.Abstractions;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>
/// Two builds side by side, as in a rolling upgrade: the next one has a member more in what grains say and store, and a method more. The
/// client outside is of the old build.
/// </summary>
[Collection(RealServers.Name)]
public sealed class BuildTests(ServerFixture servers, ITestOutputHelper output)
{
    private const int Silos = 3;
    private const int Pause = 100;
    private const string Run = "build-";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Together = TimeSpan.FromSeconds(1);

    /// <summary>Clients have a number each, by which their writes are told apart.</summary>
    private int _numbers;

    [Fact]
    public async Task Silos_ReplacedByTheNextBuildOneAtATime_LoseNoWriteAndMisreadNothing()
    {
        await using var cluster = new ProcessCluster(servers, Silos, onRedis: true, network: null, TimeSpan.Zero);
        await cluster.StartAsync();
        var folder = Directory.CreateTempSubdirectory("voicecluster-builds-");
        using var log = new OperationLog();
        var outside = new WorkloadClient("outside", 99, cluster.Client, log, TimeProvider.System, 1, Run);
        using var stop = new CancellationTokenSource();
        var asking = Task.Run(() => outside.RunAsync(TimeSpan.FromMilliseconds(Pause), stop.Token));
        foreach (var (place, silo) in cluster.Living)
        {
            await BeginAsync(silo, place);
        }

        // All to the next build, and one of them back: then the old one reads what the next one has stored.
        foreach (var (place, isNext) in ((int, bool)[])[(0, true), (1, true), (2, true), (0, false)])
        {
            await Task.Delay(Together);
            if (!isNext)
            {
                Assert.Equal("asked", await cluster.At(1).AskAsync("build", Limit));
            }

            await cluster.At(place).AskAsync("end", Limit);
            await BeginAsync(await cluster.ReplaceAsync(place, isNext), place);
        }

        await Task.Delay(Together);
        await stop.CancelAsync();
        await Task.WhenAll(cluster.Living.Select(s => s.Silo.AskAsync("end", Limit)).Append(asking));
        var answers = await Task.WhenAll(cluster.Living.Select(s => s.Silo.AskAsync("final", Limit)));
        Assert.All(answers, a => Assert.Equal("read", a));
        foreach (var key in outside.AllKeys)
        {
            Assert.True(await outside.AskAsync(key, OperationKind.ReadStored, isFinal: true), key);
        }

        Operation[] history = [.. log.Operations, .. folder.GetFiles().SelectMany(f => OperationLog.Read(f.FullName))];
        var done = history.Where(o => o.Outcome == Outcome.Ok).ToArray();
        var failed = history.Except(done).ToArray();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done.Length} calls done, {failed.Length} not: {string.Join("; ", failed.Select(f => f.Note).Distinct())}"));

        // Each build has served the other, writes as well as reads.
        foreach (var kind in (OperationKind[])[OperationKind.Increment, OperationKind.Write, OperationKind.Read, OperationKind.ReadStored])
        {
            Assert.Contains(done, o => o.Kind == kind && o.Client == "outside" && o.Note!.StartsWith("next-", StringComparison.Ordinal));
            Assert.Contains(done, o => o.Kind == kind && o.Client.StartsWith("next-", StringComparison.Ordinal) && o.Note!.StartsWith("silo-", StringComparison.Ordinal));
        }

        // Whoever had no answer was told that a silo had gone, and nothing else.
        Assert.DoesNotContain(failed, o => !o.Note!.StartsWith(nameof(SiloUnavailableException), StringComparison.Ordinal));
        Assert.Empty(HistoryChecker.Check(history, isWhole: true, stored: null));
        folder.Delete(recursive: true);

        async Task BeginAsync(SiloProcess silo, int place) => Assert.Equal(
            "begun",
            await silo.AskAsync(
                string.Create(CultureInfo.InvariantCulture, $"begin {Run} {silo.Name.Length + place} {++_numbers} {Pause} {Path.Combine(folder.FullName, silo.Name)}"), Limit));
    }
}
