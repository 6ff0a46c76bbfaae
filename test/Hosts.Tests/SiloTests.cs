using System.Diagnostics;
using VoiceCluster.Browser.Tests;
using VoiceCluster.Hosts.Tests.Clients;
using Xunit.Abstractions;

namespace VoiceCluster.Hosts.Tests;

/// <summary>Processes that stop, die and come back under people who talk.</summary>
public sealed class ProcessTests(ITestOutputHelper output)
{
    private static readonly TimeSpan FrameTime = TimeSpan.FromMilliseconds(20);

    /// <summary>Talkers; VOICECLUSTER_TALKERS makes it 50.</summary>
    private static readonly int Talkers = Setting("VOICECLUSTER_TALKERS", 8);

    [Fact]
    public async Task Silo_StoppedAndKilled_NoPacketIsLostAndRoomsAnswerAgain()
    {
        await using var cluster = await LocalCluster.StartAsync();
        try
        {
            await using var balancer = new Balancer(cluster.Frontends);
            await using var crowd = await Crowd.GatherAsync(Talkers, 4, () => new Uri(balancer.Url));
            var mark = crowd.Mark();

            var took = await cluster.StopAsync("silo-1");
            await crowd.HearEachOtherAsync();
            output.WriteLine($"silo-1 stopped in {took.TotalSeconds:F1} s");
            await cluster.StartAsync("silo-1");
            await cluster.KillAsync("silo-2");
            var since = Stopwatch.GetTimestamp();
            for (var room = 0; room < crowd.Rooms.Count; room++)
            {
                await crowd.JoinAsync(room);
                output.WriteLine($"room {room} let somebody in {Stopwatch.GetElapsedTime(since).TotalSeconds:F1} s after the kill");
            }

            await crowd.HearEachOtherAsync();
            Assert.Empty(crowd.LostSince(mark));
            Assert.All(crowd.Everybody, t => Assert.Equal(1, t.FreshJoins));
            Assert.DoesNotContain(crowd.Everybody.SelectMany(t => t.Log), l => l.Contains("media-moved", StringComparison.Ordinal));
        }
        catch
        {
            output.WriteLine(cluster.Logs());
            throw;
        }
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : otherwise;
}
