using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>
/// A browser behind a link whose rate changes sees the layer that the link carries, and others what theirs carry. Times and freezes are
/// printed for bench/video/run.sh: they are the machine's as well.
/// </summary>
[Collection(ClusterGroup.Name)]
public sealed class AdaptiveVideoTests(ClusterFixture cluster, ITestOutputHelper output)
{
    private const int Wide = 640;
    private const int Narrow = 320;

    [Fact]
    public async Task Simulcast_OneViewersLinkFallsAndRises_ItsLayerFollowsAndTheOtherKeepsTheBest()
    {
        await using var server = await StandaloneServer.StartAsync("adaptive");
        var links = Enumerable.Range(server.FirstMediaPort, StandaloneServer.MediaPorts)
            .ToDictionary(port => port.ToString(CultureInfo.InvariantCulture), port => new ImpairedLink(port, loss: 0, jitterMilliseconds: 0) { Rate = 3_000_000 });
        try
        {
            await using var senders = await cluster.OpenHarnessAsync(server);
            await using var viewers = await cluster.OpenHarnessAsync(server);
            await senders.JoinAsync("adaptive", 500, simulcast: true);
            var good = await viewers.JoinAsync("adaptive");
            var bad = await viewers.JoinAsync("adaptive", mediaPorts: links.ToDictionary(l => l.Key, l => l.Value.Port));
            await viewers.WaitAsync("videoPlays", [good.Key, Wide], good);
            await viewers.WaitAsync("videoPlays", [bad.Key, Wide], bad);

            // What follows is about a room in full swing: the sender has found its bitrate.
            await viewers.WaitAsync("framesSeen", [bad.Key, 100], bad);
            await viewers.CallAsync("forgetGaps", good.Key);
            await viewers.CallAsync("forgetGaps", bad.Key);
            var before = await FreezesAsync(viewers, bad);

            SetRate(300_000);
            var down = await TimeAsync(() => viewers.WaitAsync("videoIsWide", [bad.Key, Narrow], bad));
            var frames = (await SightAsync(bad)).GetProperty("frames").GetInt32();
            await viewers.WaitAsync("framesSeen", [bad.Key, frames + 60], bad);
            Assert.Equal(Narrow, (await SightAsync(bad)).GetProperty("width").GetInt32());

            SetRate(1_500_000);
            var up = await TimeAsync(() => viewers.WaitAsync("videoIsWide", [bad.Key, Wide], bad));
            frames = (await SightAsync(bad)).GetProperty("frames").GetInt32();
            await viewers.WaitAsync("framesSeen", [bad.Key, frames + 60], bad);

            var (count, seconds) = await FreezesAsync(viewers, bad);
            var gap = (await SightAsync(bad)).GetProperty("longestGapMs").GetInt32();
            var sight = await SightAsync(good);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"figures: {down:F1} {up:F1} {count - before.Count} {seconds - before.Seconds:F2} {gap} {links.Values.Sum(l => l.Count.Lost)} {sight.GetProperty("longestGapMs").GetInt32()} {sight.GetProperty("lowestWidth").GetInt32()}"));
            Assert.Equal(Wide, sight.GetProperty("lowestWidth").GetInt32());
            await bad.HearsExactlyAsync(500);
        }
        finally
        {
            foreach (var link in links.Values)
            {
                await link.DisposeAsync();
            }
        }

        void SetRate(long rate)
        {
            foreach (var link in links.Values)
            {
                link.Rate = rate;
            }
        }
    }

    private static async Task<JsonElement> SightAsync(Participant participant) => Assert.Single(await participant.SeesAsync());

    private static async Task<double> TimeAsync(Func<Task> wait)
    {
        var clock = Stopwatch.StartNew();
        await wait();
        return clock.Elapsed.TotalSeconds;
    }

    private static async Task<(int Count, double Seconds)> FreezesAsync(HarnessPage page, Participant participant)
    {
        var stats = await page.CallAsync<JsonElement>("stats", participant.Key);
        var video = stats.EnumerateArray().Single(s => s.GetProperty("type").GetString() == "inbound-rtp" && s.GetProperty("kind").GetString() == "video");
        return (video.GetProperty("freezeCount").GetInt32(), video.GetProperty("totalFreezesDuration").GetDouble());
    }
}
