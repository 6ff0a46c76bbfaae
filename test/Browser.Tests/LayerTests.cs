using System.Diagnostics;
using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>What an application asks of layers and bitrates is what a browser gets.</summary>
[Collection(ClusterGroup.Name)]
public sealed class LayerTests(ClusterFixture cluster)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("L3T3_KEY")]
    [InlineData("L3T3")]
    public async Task Svc_PreferredLayersOfOneViewer_AreItsFrameHeight_AndTheOtherKeepsTheBest(string mode)
    {
        await using var senders = await cluster.OpenHarnessAsync();
        await using var viewers = await cluster.OpenHarnessAsync();
        await senders.JoinAsync($"svc-{mode}", svc: mode);
        var viewer = await viewers.JoinAsync($"svc-{mode}");
        var other = await viewers.JoinAsync($"svc-{mode}");
        await viewers.WaitAsync("videoPlays", [viewer.Key, 960], viewer);
        await viewers.WaitAsync("videoPlays", [other.Key, 960], other);

        foreach (var (layer, width) in ((int, int)[])[(1, 480), (0, 240), (2, 960), (0, 240), (1, 480)])
        {
            await viewers.CallAsync("setPreferredLayers", viewer.Key, layer);
            await viewers.WaitAsync("videoIsWide", [viewer.Key, width], viewer);
            var frames = Assert.Single(await viewer.SeesAsync()).GetProperty("frames").GetInt32();
            await viewers.WaitAsync("framesSeen", [viewer.Key, frames + 20], viewer);
            Assert.Equal(width, Assert.Single(await viewer.SeesAsync()).GetProperty("width").GetInt32());
        }

        var frameHeight = (await VideoAsync(viewers, viewer)).GetProperty("frameHeight").GetInt32();
        Assert.Equal(270, frameHeight);
        await viewers.WaitAsync("videoIsWide", [other.Key, 960], other);
    }

    [Fact]
    public async Task MaxOutgoing_OfAViewersTransport_BytesFallBelowIt_AndComeBack()
    {
        await using var senders = await cluster.OpenHarnessAsync();
        await using var viewers = await cluster.OpenHarnessAsync();
        await senders.JoinAsync("outgoing", 500, simulcast: true);
        var viewer = await viewers.JoinAsync("outgoing");
        await viewers.WaitAsync("videoPlays", [viewer.Key, 640], viewer);

        // The lowest layer has 150 kbit/s and the sound some 40.
        await viewers.CallAsync("setBitrate", viewer.Key, "recv", "max-outgoing", 300_000);
        await viewers.WaitAsync("videoIsWide", [viewer.Key, 320], viewer);
        Assert.InRange(await BitsPerSecondAsync(viewers, viewer, frames: 60), 1_000, 300_000);

        await viewers.CallAsync("setBitrate", viewer.Key, "recv", "max-outgoing", 0);
        await viewers.WaitAsync("videoIsWide", [viewer.Key, 640], viewer);
        await viewer.HearsExactlyAsync(500);
    }

    [Fact]
    public async Task MaxIncoming_OfASendersTransport_IsWhatItSendsAtMost()
    {
        await using var senders = await cluster.OpenHarnessAsync();
        var sender = await senders.JoinAsync("incoming", 500, simulcast: true);
        await using var viewers = await cluster.OpenHarnessAsync();
        var viewer = await viewers.JoinAsync("incoming");
        await viewers.WaitAsync("videoPlays", [viewer.Key, 640], viewer);

        await senders.CallAsync("setBitrate", sender.Key, "send", "max-incoming", 250_000);

        // Not enough for the higher layer, which the sender switches off by itself.
        await viewers.WaitAsync("videoIsWide", [viewer.Key, 320], viewer);
        await senders.CallAsync("setBitrate", sender.Key, "send", "max-incoming", 0);
        await viewers.WaitAsync("videoIsWide", [viewer.Key, 640], viewer);
    }

    private static async Task<double> BitsPerSecondAsync(HarnessPage page, Participant participant, int frames)
    {
        var before = await VideoAsync(page, participant);
        var clock = Stopwatch.StartNew();
        var shown = Assert.Single(await participant.SeesAsync()).GetProperty("frames").GetInt32();
        await page.WaitAsync("framesSeen", [participant.Key, shown + frames], participant);
        var after = await VideoAsync(page, participant);
        Assert.True(clock.Elapsed < Deadline);

        // By the browser's own clock, of the reports.
        var seconds = (after.GetProperty("timestamp").GetDouble() - before.GetProperty("timestamp").GetDouble()) / 1_000;
        return (after.GetProperty("bytesReceived").GetDouble() - before.GetProperty("bytesReceived").GetDouble()) * 8 / seconds;
    }

    private static async Task<JsonElement> VideoAsync(HarnessPage page, Participant participant)
        => (await page.CallAsync<JsonElement>("stats", participant.Key)).EnumerateArray()
            .Single(s => s.GetProperty("type").GetString() == "inbound-rtp" && s.GetProperty("kind").GetString() == "video");
}
