using VoiceCluster.Browser.Tests;
using VoiceCluster.Hosts.Tests.Clients;
using Xunit.Abstractions;

namespace VoiceCluster.Hosts.Tests;

/// <summary>A media node that is asked to stop: its rooms go to the other one while people talk.</summary>
[Collection(RunningClusterGroup.Name)]
public sealed class MediaNodeTests(RunningCluster running, ITestOutputHelper output)
{
    /// <summary>Frames of 20 ms that may be lost by the move: two seconds.</summary>
    private const int MaxLost = 100;

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
