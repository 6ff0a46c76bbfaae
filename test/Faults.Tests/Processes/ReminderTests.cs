using VoiceCluster.Faults.Grains;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>Reminders that PostgreSQL keeps, of silos that are processes.</summary>
[Collection(RealServers.Name)]
public sealed class ReminderTests(ServerFixture servers) : IDisposable
{
    private const int Alarms = 12;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("voicecluster-faults-");

    private Tick[] Ticks => [.. _folder.GetFiles().SelectMany(f => TickLog.Read(f.FullName))];

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Reminders_OfAKilledSilo_FireOnTheOthersEachTickAtOneSilo()
    {
        await using var cluster = new ProcessCluster(servers, silos: 3, onRedis: true, network: null, TimeSpan.FromMilliseconds(300))
        {
            SettingsAt = place => new Dictionary<string, string> { ["TICKS"] = Path.Combine(_folder.FullName, $"{place}") },
        };
        await cluster.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Alarms).Select(i => cluster.Client.GetGrain<IAlarmGrain>($"alarm-{i}").SetAsync(Period, Period)));
        await UntilAllHaveRungAsync(DateTime.UtcNow);
        var killed = cluster.Living.First(s => Ticks.Any(t => t.Silo == s.Silo.Name)).Silo;

        await killed.SignalAsync("KILL");
        await killed.WaitForExitAsync(Deadline);

        // Those that it had are among them. A tick that fell into the gap may have come twice.
        await UntilAllHaveRungAsync(DateTime.UtcNow);
        await UntilAsync(async () => await cluster.CountActiveAsync() == 2, () => "The silo is not declared dead.");
        var agreed = DateTime.UtcNow + (Period * 2);
        await UntilAllHaveRungAsync(agreed + (Period * 3));
        var after = Ticks.Where(t => t.At > agreed).ToArray();
        Assert.DoesNotContain(after, t => t.Silo == killed.Name);
        Assert.All(
            after.GroupBy(t => (t.Key, Number: Math.Floor((t.At - t.First) / Period))),
            tick => Assert.Single(tick.Select(t => t.Silo).Distinct()));
    }

    private Task UntilAllHaveRungAsync(DateTime since) => UntilAsync(
        () => Task.FromResult(Ticks.Where(t => t.At > since).Select(t => t.Key).Distinct().Count() == Alarms),
        () => $"{Ticks.Where(t => t.At > since).Select(t => t.Key).Distinct().Count()} of {Alarms} reminders have fired.");

    private static async Task UntilAsync(Func<Task<bool>> isSo, Func<string> otherwise)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Deadline, otherwise());
            await Task.Delay(50);
        }
    }
}
