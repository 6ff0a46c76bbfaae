using VoiceCluster.Browser.Tests;
using VoiceCluster.Hosts.Tests.Clients;
using Xunit.Abstractions;

namespace VoiceCluster.Hosts.Tests;

/// <summary>Every process stopped and started, one after another. bench/cluster/rolling.sh does it under 50 talkers.</summary>
[Collection(RunningClusterGroup.Name)]
public sealed class RollingUpgradeTests(RunningCluster running, ITestOutputHelper output)
{
    /// <summary>Frames of 20 ms that one listener may lose of one speaker in the whole upgrade: two seconds.</summary>
    private const int MaxLost = 100;
    private const int RoomSize = 4;

    [Fact]
    public Task EveryProcess_OneAtATime_NobodyLosesTwoSecondsAndNoCallIsLost() => running.RunAsync(output, async cluster =>
    {
        await using var balancer = new Balancer(cluster.Frontends);
        Func<Uri> frontend = () => new Uri(balancer.Url);
        await using var crowd = await Crowd.GatherAsync(Settings.Talkers, RoomSize, frontend);
        var running = await Task.WhenAll(Enumerable.Range(0, Math.Max(2, Settings.Talkers / 10)).Select(i => CallPair.MeetAsync(frontend, $"rolling-{i}")));
        await Task.WhenAll(running.Select(c => c.StartAsync()));
        await using var others = await CallPair.MeetAsync(frontend, "rolling-others");
        var (mark, peers) = (crowd.Mark(), crowd.Everybody.Select(t => t.PeerId).ToArray());

        foreach (var process in (string[])["silo-1", "silo-2", "media-1", "media-2", "frontend-1", "frontend-2"])
        {
            var step = crowd.Mark();
            var took = await cluster.StopAsync(process);

            // While it is away, calls are made, and end.
            await others.StartAsync();
            await others.HangUpAsync();
            await cluster.StartAsync(process);
            await crowd.HearEachOtherAsync();
            var lost = crowd.LostSince(step);
            output.WriteLine($"{process}: ended in {took.TotalSeconds:F1} s; {lost.Length} pairs lost frames, at most {lost.Select(l => l.Total).DefaultIfEmpty().Max()}");
        }

        var all = crowd.LostSince(mark);
        output.WriteLine(
            $"{Settings.Talkers} talkers, {running.Length} calls: {all.Length} of {mark.Count} pairs lost frames of 20 ms, at most {all.Select(l => l.Total).DefaultIfEmpty().Max()}, {all.Select(l => l.Longest).DefaultIfEmpty().Max()} in a row; {running.Sum(c => c.Reconnects)} call sockets connected again");
        Assert.All(all, l => Assert.InRange(l.Total, 0, MaxLost));
        Assert.Equal(peers, crowd.Everybody.Select(t => t.PeerId));
        foreach (var pair in running)
        {
            Assert.Equal("accepted", await pair.StateAsync());
            await pair.SignalAsync();
            Assert.True(await pair.HasChatAsync());
            await pair.HangUpAsync();
            await pair.DisposeAsync();
        }
    });
}
