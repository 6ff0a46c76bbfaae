using System.Diagnostics;
using VoiceCluster.Browser.Tests;
using VoiceCluster.Hosts.Tests.Clients;
using Xunit.Abstractions;

namespace VoiceCluster.Hosts.Tests;

/// <summary>
/// Redis and PostgreSQL away under people who talk and call: killed, or hung. bench/cluster/outage.sh does it for three minutes, one
/// after the other.
/// </summary>
[Collection(RunningClusterGroup.Name)]
public sealed class StoreOutageTests(RunningCluster running, ITestOutputHelper output)
{
    /// <summary>What is promised: everything is back so long after the stores.</summary>
    private static readonly TimeSpan BackLimit = TimeSpan.FromSeconds(10);

    public static TheoryData<string> Outages => [.. Settings.Outages];

    [Theory]
    [MemberData(nameof(Outages))]
    public Task Stores_Away_ConversationsGoOnAndLiveRoomsLetPeopleIn(string outage) => running.RunAsync(output, async cluster =>
    {
        var stores = outage.Split(", ").Select(o => o.Split(' ')).Select(o => (Name: o[0], Hung: o[1] == "hung")).ToArray();
        Func<Uri> frontend = () => new Uri(cluster.Frontends[1]);
        await using var crowd = await Crowd.GatherAsync(4, 2, frontend);
        await using var pair = await CallPair.MeetAsync(frontend, $"outage-{Guid.NewGuid():N}");
        await pair.StartAsync();
        var mark = crowd.Mark();

        foreach (var (name, hung) in stores)
        {
            // SIGQUIT: PostgreSQL leaves without a word to its clients, as in a crash, but frees its memory.
            await (hung ? cluster.SignalTreeAsync(name, "STOP") : cluster.StopAsync(name, name == "redis" ? "KILL" : "QUIT"));
        }

        var since = Stopwatch.GetTimestamp();
        List<double> joins = [];
        for (var i = 0; i < 3; i++)
        {
            var asked = Stopwatch.GetTimestamp();
            await crowd.JoinAsync(i % 2);
            joins.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            await crowd.HearEachOtherAsync();
            await pair.SignalAsync();
            Assert.Equal("accepted", await pair.StateAsync());

            // A third of the outage later the next one comes.
            var rest = (Settings.Outage * ((i + 1) / 3.0)) - Stopwatch.GetElapsedTime(since);
            await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero);
        }

        await crowd.HearEachOtherAsync();
        Assert.Empty(crowd.LostSince(mark));
        foreach (var (name, hung) in stores)
        {
            await (hung ? cluster.SignalTreeAsync(name, "CONT") : cluster.StartAsync(name));
        }

        var away = Stopwatch.GetElapsedTime(since);
        var back = Stopwatch.GetTimestamp();

        // What needs a store works again by itself: a new room, a new call, the end of the old one.
        var (room, call) = await ServeAgainAsync().WaitAsync(BackLimit);
        await crowd.HearEachOtherAsync();
        output.WriteLine(
            $"{outage}: away for {away.TotalSeconds:F0} s; joins with media took {string.Join(", ", joins.Select(j => $"{j:F0}"))} ms; a new room after {room.TotalSeconds:F1} s, a call ended and another made after {call.TotalSeconds:F1} s");
        Assert.Empty(crowd.LostSince(mark));
        Assert.All(crowd.Everybody, t => Assert.Equal(1, t.FreshJoins));
        var log = crowd.Everybody.SelectMany(t => t.Log).ToArray();
        Assert.DoesNotContain(log, l => l.Contains("media-moved", StringComparison.Ordinal) || l.Contains("peer-left", StringComparison.Ordinal));

        async Task<(TimeSpan Room, TimeSpan Call)> ServeAgainAsync()
        {
            await crowd.OpenRoomAsync(2);
            var room = Stopwatch.GetElapsedTime(back);
            await pair.HangUpAsync();
            await pair.StartAsync();
            await pair.HangUpAsync();
            return (room, Stopwatch.GetElapsedTime(back));
        }
    });
}
