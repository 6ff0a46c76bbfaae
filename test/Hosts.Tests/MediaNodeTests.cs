using System.Diagnostics;
using VoiceCluster.Browser.Tests;
using VoiceCluster.Hosts.Tests.Clients;
using Xunit.Abstractions;

namespace VoiceCluster.Hosts.Tests;

/// <summary>A media node that is asked to stop, or dies: its rooms go to the other one while people talk.</summary>
[Collection(RunningClusterGroup.Name)]
public sealed class MediaNodeTests(RunningCluster running, ITestOutputHelper output)
{
    /// <summary>Frames of 20 ms that may be lost by the move: two seconds.</summary>
    private const int MaxLost = 100;

    /// <summary>How soon is a figure: bench/cluster/media-loss.sh, with browsers.</summary>
    [Fact]
    public Task Node_Killed_EverybodyIsHeardAgain() => running.RunAsync(output, async cluster =>
    {
        await using var crowd = await Crowd.GatherAsync(8, 2, () => new Uri(cluster.Frontends[0]));
        var (one, other) = (await cluster.RoomsOfAsync(1), await cluster.RoomsOfAsync(2));
        Assert.True(one > 0 && other > 0, $"The rooms are on one node: {one}, {other}.");
        var since = Stopwatch.GetTimestamp();
        await cluster.KillAsync("media-1");
        await crowd.HearEachOtherAsync();
        output.WriteLine($"heard again after {Stopwatch.GetElapsedTime(since).TotalMilliseconds:F0} ms");

        // Nobody but those whose rooms were there was told to move.
        await Eventually.HoldsAsync(() => crowd.Everybody.Count(t => t.Log.Any(l => l.Contains("media-moved", StringComparison.Ordinal))) == 2 * one, "all of its talkers were told");
        await crowd.HearEachOtherAsync();
        Assert.Equal(4, await cluster.RoomsOfAsync(2));
        Assert.All(crowd.Everybody, t => Assert.Equal(1, t.FreshJoins));
        await cluster.StartAsync("media-1");
    });

    [Fact]
    public Task Node_Stopped_ItsRoomsMoveAndItTakesNoMore() => running.RunAsync(output, async cluster =>
    {
        await using var balancer = new Balancer(cluster.Frontends);
        await using var crowd = await Crowd.GatherAsync(8, 2, () => new Uri(balancer.Url));
        Assert.NotEqual(0, await cluster.RoomsOfAsync(1));
        Assert.NotEqual(0, await cluster.RoomsOfAsync(2));
        var mark = crowd.Mark();

        var took = await cluster.StopAsync("media-1");
        await crowd.HearEachOtherAsync();
        var lost = crowd.LostSince(mark);
        output.WriteLine($"media-1 ended after {took.TotalSeconds:F1} s; lost frames: {string.Join(", ", lost)}");
        Assert.All(lost, l => Assert.InRange(l.Total, 0, MaxLost));
        Assert.Equal(4, await cluster.RoomsOfAsync(2));
        Assert.Contains("rooms went to other media nodes", cluster.LogOf("media-1"), StringComparison.Ordinal);

        // Who comes now finds the room where it is.
        await crowd.JoinAsync(0);
        await crowd.HearEachOtherAsync();
        await cluster.StartAsync("media-1");
        Assert.DoesNotContain(crowd.Everybody.SelectMany(t => t.Log), l => l.Contains("peer-left", StringComparison.Ordinal));
    });
}
