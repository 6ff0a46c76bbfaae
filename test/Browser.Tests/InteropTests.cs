namespace VoiceCluster.Browser.Tests;

/// <summary>Two independent WebRTC stacks in one room.</summary>
[Collection(ClusterGroup.Name)]
public sealed class InteropTests(ClusterFixture cluster)
{
    private static readonly int[] Tones = [500, 700, 900];

    [Fact]
    public async Task Room_NodeStackAndChromium_HearEachOther()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var browser = await page.JoinAsync("interop", 500);
        await using (var first = await NodeParticipant.JoinAsync(cluster.Server.Url, "interop", 700, Tones, "websocket"))
        {
            await first.HearsExactlyAsync(500);
            await browser.HearsExactlyAsync(700);

            await using var second = await NodeParticipant.JoinAsync(cluster.Server.Url, "interop", 900, Tones, "polling,websocket");
            await second.HearsExactlyAsync(500, 700);
            await first.HearsExactlyAsync(500, 900);
            await browser.HearsExactlyAsync(700, 900);

            await browser.SetPausedAtServerAsync("audio", true);
            await first.HearsExactlyAsync(900);
        }

        await browser.HearsExactlyAsync();
    }

    [Fact]
    public async Task Channel_NodeStackOverTheVoiceService_HearsTheMixAndTheLoudest()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var channel = await page.CreateChannelAsync();
        var browser = await page.JoinVoiceAsync(channel, 500);
        await using (var mixed = await NodeParticipant.JoinVoiceAsync(cluster.Server.Url, channel, 700, Tones, slots: 0))
        {
            await mixed.HearsTogetherAsync(500);
            await browser.HearsAsync(700);

            await using var slotted = await NodeParticipant.JoinVoiceAsync(cluster.Server.Url, channel, 900, Tones, slots: 3);
            await slotted.HearsExactlyAsync(500, 700);
            await mixed.HearsTogetherAsync(500, 900);
            await browser.HearsAsync(700, 900);
        }

        await browser.HearsAsync();
    }
}
