using System.Diagnostics;
using System.Text.RegularExpressions;
using VoiceCluster.Browser.Tests;
using VoiceCluster.Hosts.Tests.Clients;
using Xunit.Abstractions;

namespace VoiceCluster.Hosts.Tests;

/// <summary>Silos that stop and die under people who talk. bench/cluster/silo-loss.sh takes the figures of many rounds.</summary>
[Collection(RunningClusterGroup.Name)]
public sealed partial class SiloTests(RunningCluster running, ITestOutputHelper output)
{
    /// <summary>Half of all rooms come to live on each of two silos: that none of so many does is no chance.</summary>
    private const int MaxRooms = 60;

    [Theory]
    [InlineData("stopped")]
    [InlineData("killed")]
    public Task Silo_Goes_NoPacketIsLostAndItsRoomsAnswerAgain(string how) => running.RunAsync(output, async cluster =>
    {
        await using var crowd = await Crowd.GatherAsync(4, 2, () => new Uri(cluster.Frontends[0]));
        var probes = await Task.WhenAll(Enumerable.Range(0, Settings.ProbedRooms).Select(
            i => RoomProbe.JoinAsync(new Uri(cluster.Frontends[i % 2]), $"probe-{Guid.NewGuid():N}")));
        var mark = crowd.Mark();
        List<double> times = [];
        var begun = new Dictionary<string, int> { ["silo-1"] = 0, ["silo-2"] = 0 };
        for (var round = 0; round < Settings.SiloRounds; round++)
        {
            var (going, staying) = round % 2 == 0 ? ("silo-1", "silo-2") : ("silo-2", "silo-1");
            var theirs = await SettleAsync(cluster, crowd, going, begun[going]);
            await SettleAsync(cluster, crowd, staying, begun[staying]);
            mark = Extend(mark, crowd);

            // Those that another round has moved are activated where they belong by now.
            await Task.WhenAll([.. probes.Select(p => p.AnswersAsync()), .. crowd.Everybody.Select(t => t.RoomAnswersAsync())]);
            var before = cluster.LogOf(staying).Length;
            using var process = Process.GetProcessById(cluster.PidOf(going));
            await cluster.SignalAsync(going, how == "stopped" ? "TERM" : "KILL");
            var ended = process.WaitForExitAsync();
            var answered = await Task.WhenAll(probes.Select(async probe => (probe.Room, Milliseconds: await LongestWaitAsync(probe, ended))));
            await ended;

            // Those that lived there have been taken over by the other silo, the talkers' as well, and it has commanded their media.
            await Task.WhenAll(crowd.Everybody.Select(t => t.RoomAnswersAsync()));
            var moved = new HashSet<string>();
            await Eventually.HoldsAsync(
                () =>
                {
                    moved = [.. TakenOver().Matches(cluster.LogOf(staying)[before..]).Select(m => m.Groups[1].Value)];
                    return theirs.IsSubsetOf(moved);
                },
                $"{string.Join(", ", theirs)} taken over by {staying}");
            double[] waited = [.. answered.Where(a => moved.Contains(a.Room)).Select(a => a.Milliseconds).Order()];
            times.AddRange(waited);
            output.WriteLine($"{going} {how}: {waited.Length} rooms waited {waited.FirstOrDefault():F0} to {waited.LastOrDefault():F0} ms; {theirs.Count} rooms of talkers moved");
            await crowd.HearEachOtherAsync();
            begun[going] = cluster.LogOf(going).Length;
            begun[staying] = cluster.LogOf(staying).Length;
            await cluster.StartAsync(going);
        }

        foreach (var probe in probes)
        {
            await probe.DisposeAsync();
        }

        times.Sort();
        output.WriteLine($"{how}: {times.Count} rooms of {Settings.SiloRounds} silos answered again after at most: median {At(0.5):F0}, p99 {At(0.99):F0}, max {At(1):F0} ms");
        Assert.NotEmpty(times);
        Assert.Empty(crowd.LostSince(mark));
        Assert.All(crowd.Everybody, t => Assert.Equal(1, t.FreshJoins));
        Assert.DoesNotContain(crowd.Everybody.SelectMany(t => t.Log), l => l.Contains("media-moved", StringComparison.Ordinal) || l.Contains("peer-left", StringComparison.Ordinal));

        double At(double share) => times.Count == 0 ? double.NaN : times[(int)Math.Ceiling(share * times.Count) - 1];
    });

    /// <summary>
    /// Opens rooms until the silo has one of the talkers that was begun there since its log was so long. Answers those: nothing but the
    /// loss of the silo takes them away.
    /// </summary>
    private static async Task<HashSet<string>> SettleAsync(LocalCluster cluster, Crowd crowd, string silo, int since)
    {
        while (true)
        {
            var joined = Joined().Matches(cluster.LogOf(silo)[since..]).Select(m => m.Groups[1].Value).ToHashSet();
            joined.IntersectWith(crowd.Names);
            if (joined.Count > 0)
            {
                return joined;
            }

            Assert.True(crowd.Rooms.Count < MaxRooms, $"None of {MaxRooms} rooms came to live on {silo}.");
            await crowd.OpenRoomAsync(2);
            await crowd.HearEachOtherAsync();
        }
    }

    /// <summary>The mark, with the pairs that have come since.</summary>
    private static Dictionary<(Talker Listener, Talker Speaker), int> Extend(Dictionary<(Talker Listener, Talker Speaker), int> mark, Crowd crowd)
    {
        foreach (var (pair, last) in crowd.Mark())
        {
            mark.TryAdd(pair, last);
        }

        return mark;
    }

    /// <summary>
    /// How long the room was away: the longest that one of many questions waited for its answer, until the silo has ended and the room
    /// has answered once more. While a silo stops, it still answers for the rooms that it has not handed over yet.
    /// </summary>
    private static async Task<double> LongestWaitAsync(RoomProbe probe, Task ended)
    {
        var longest = 0d;
        for (var isLast = false; ; isLast = ended.IsCompleted)
        {
            var asked = Stopwatch.GetTimestamp();
            await probe.AnswersAsync();
            longest = Math.Max(longest, Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            if (isLast)
            {
                return longest;
            }

            await Task.WhenAny(ended, Task.Delay(50));
        }
    }

    [GeneratedRegex(@"Room (\S+): taken over")]
    private static partial Regex TakenOver();

    [GeneratedRegex(@"Room (\S+): \S+ \(.*\) joined by")]
    private static partial Regex Joined();
}
