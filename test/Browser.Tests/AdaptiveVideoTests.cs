using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>A browser behind a link whose rate changes sees the layer that the link carries, and others what theirs carry.</summary>
[Collection(ClusterGroup.Name)]
public sealed class AdaptiveVideoTests(ClusterFixture cluster, ITestOutputHelper output)
{
    private const int Wide = 640;
    private const int Narrow = 320;

    [Fact]
    public async Task Simulcast_OneViewersLinkFallsAndRises_ItsLayerFollowsAndTheOtherKeepsTheBest()
    {
        await using var server = await StandaloneServer.StartAsync("adaptive", settings: ["--Media:AdaptVideo=true"]);
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
            output.WriteLine($"down after {await TimeAsync(() => viewers.WaitAsync("videoIsWide", [bad.Key, Narrow], bad)):F1} s (wanted: 3 s)");
            var frames = (await SightAsync(bad)).GetProperty("frames").GetInt32();
            await viewers.WaitAsync("framesSeen", [bad.Key, frames + 60], bad);
            Assert.Equal(Narrow, (await SightAsync(bad)).GetProperty("width").GetInt32());

            SetRate(1_500_000);
            output.WriteLine($"up after {await TimeAsync(() => viewers.WaitAsync("videoIsWide", [bad.Key, Wide], bad)):F1} s (wanted: 8 s)");
            frames = (await SightAsync(bad)).GetProperty("frames").GetInt32();
            await viewers.WaitAsync("framesSeen", [bad.Key, frames + 60], bad);

            var (count, seconds) = await FreezesAsync(viewers, bad);
            var gap = (await SightAsync(bad)).GetProperty("longestGapMs").GetInt32();
            output.WriteLine($"{count - before.Count} freezes of {seconds - before.Seconds:F2} s in all, longest gap {gap} ms; {links.Values.Sum(l => l.Count.Lost)} packets lost");
            Assert.Equal(Wide, (await SightAsync(good)).GetProperty("lowestWidth").GetInt32());
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
