using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>The fake camera of one side plays at the other.</summary>
[Collection(ClusterGroup.Name)]
public sealed class VideoTests(ClusterFixture cluster, ITestOutputHelper output)
{
    private const int LongestFreezeMilliseconds = 1000;

    [Fact]
    public async Task Camera_LateViewer_PlaysSoonThanksToAKeyFrameRequest()
    {
        await using var senders = await cluster.OpenHarnessAsync();
        await using var viewers = await cluster.OpenHarnessAsync();
        var sender = await senders.JoinAsync("video", 500, video: true);
        var first = await viewers.JoinAsync("video");
        await viewers.WaitAsync("videoPlays", [first.Key, 640], first);

        // The encoder has sent its first key frame long ago: only a request brings the next one.
        var late = await viewers.JoinAsync("video");
        await viewers.WaitAsync("videoPlays", [late.Key, 640], late);

        var sight = Assert.Single(await late.SeesAsync());
        Assert.Equal(sender.PeerId, sight.GetProperty("peerId").GetString());
        output.WriteLine($"first frame {sight.GetProperty("firstFrameMs")} ms after the join (wanted: 2000 ms at most)");
        var stats = await senders.CallAsync<JsonElement>("stats", sender.Key);
        var video = stats.EnumerateArray().Single(s => s.GetProperty("type").GetString() == "outbound-rtp" && s.GetProperty("kind").GetString() == "video");
        Assert.True(video.GetProperty("pliCount").GetInt32() + (video.TryGetProperty("firCount", out var fir) ? fir.GetInt32() : 0) > 0, "no key frame was asked for");
    }

    [Fact]
    public async Task Camera_TwoPercentLossAndJitter_VideoDoesNotFreeze()
    {
        var links = Enumerable.Range(cluster.Server.FirstMediaPort, StandaloneServer.MediaPorts)
            .ToDictionary(port => port.ToString(CultureInfo.InvariantCulture), port => new ImpairedLink(port, loss: 0.02, jitterMilliseconds: 30));
        try
        {
            await using var senders = await cluster.OpenHarnessAsync();
            await using var viewers = await cluster.OpenHarnessAsync();
            await senders.JoinAsync("impaired", 500, video: true);
            var viewer = await viewers.JoinAsync("impaired", mediaPorts: links.ToDictionary(l => l.Key, l => l.Value.Port));
            await viewers.WaitAsync("videoPlays", [viewer.Key, 640], viewer);
            await viewers.CallAsync("forgetGaps", viewer.Key);

            await viewers.WaitAsync("framesSeen", [viewer.Key, 300], viewer);

            var sight = Assert.Single(await viewer.SeesAsync());
            var gap = sight.GetProperty("longestGapMs").GetInt32();
            var lost = links.Values.Sum(l => l.Count.Lost);
            output.WriteLine($"longest gap {gap} ms; {links.Values.Sum(l => l.Count.Passed)} packets passed, {lost} lost");
            Assert.True(lost > 0, "the link lost nothing");
            Assert.True(gap <= LongestFreezeMilliseconds, $"the video stood still for {gap} ms");
            await viewer.HearsExactlyAsync(500);
        }
        finally
        {
            foreach (var link in links.Values)
            {
                await link.DisposeAsync();
            }
        }
    }
}
