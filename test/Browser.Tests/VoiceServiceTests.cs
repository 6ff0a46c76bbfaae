using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>Clients of <c>/voice</c> among themselves and with mediasoup clients in the same room: who hears whom.</summary>
[Collection(ClusterGroup.Name)]
public sealed class VoiceServiceTests(ClusterFixture cluster, ITestOutputHelper output)
{
    private const int SwapDeadlineMilliseconds = 10_000;

    [Fact]
    public async Task Channel_AMediasoupClientAndAVoiceClient_EachHearsTheOther()
    {
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        var channel = await first.CreateChannelAsync();
        var ada = await first.JoinAsync(channel, 440);
        var bob = await second.JoinVoiceAsync(channel, 880);

        await ada.HearsExactlyAsync(880);
        await bob.HearsAsync(440);

        await bob.HasHeardAsync(440);
        Assert.Empty(await bob.EverHeardAsync(880));
        Assert.Equal(["mix"], await bob.SourcesAsync());
    }

    [Fact]
    public async Task Mix_OfThreeOthers_HasAllOfThemAndNeverItself()
    {
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        var channel = await first.CreateChannelAsync();
        var listener = await second.JoinVoiceAsync(channel, 2000);
        await first.JoinAsync(channel, 500);
        await first.JoinVoiceAsync(channel, 900);
        await first.JoinAsync(channel, 1400);

        await listener.HearsAsync(500, 900, 1400);

        await listener.HasHeardAsync(500, 900, 1400);
        Assert.Empty(await listener.EverHeardAsync(2000));
        Assert.Equal(["mix"], await listener.SourcesAsync());
    }

    [Fact]
    public async Task Slots_ThreeAndSixTones_CarryTheLoudestAndFollowThem()
    {
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        var channel = await first.CreateChannelAsync();
        (int Hz, double Amplitude)[] tones = [(500, 0.5), (900, 0.35), (1300, 0.25), (1700, 0.05), (2100, 0.03), (2500, 0.02)];
        var speakers = new List<VoiceClient>();
        foreach (var (hz, amplitude) in tones)
        {
            speakers.Add(await first.JoinVoiceAsync(channel, hz, amplitude, speaksOnly: true));
        }

        // The listener is in the page of the speakers as well, so that one clock measures the change.
        var listener = await first.JoinVoiceAsync(channel, slots: 3);
        var another = await second.JoinVoiceAsync(channel, slots: 3);
        Assert.Equal(["loudest", "loudest", "loudest"], await listener.SourcesAsync());
        await listener.HearsApartAsync(500, 900, 1300);
        await another.HearsApartAsync(500, 900, 1300);

        var milliseconds = await first.CallAsync<int?>(
            "voiceSwap", listener.Key, speakers[3].Key, 1700, speakers[2].Key, 1300, new[] { 0.45, 0.02 }, SwapDeadlineMilliseconds);

        Assert.NotNull(milliseconds);
        output.WriteLine($"the louder voice was heard, and the quieter was gone, {milliseconds} ms after the change (wanted: 200 ms)");
        await listener.HearsApartAsync(500, 900, 1700);
        await another.HearsApartAsync(500, 900, 1700);
        Assert.Empty(await listener.EverHeardAsync(2100, 2500));
    }

    [Fact]
    public async Task Offer_WithMoreSections_TurnsTheMixIntoSlotsWithoutANewConnection()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var channel = await page.CreateChannelAsync();
        await page.JoinVoiceAsync(channel, 500, speaksOnly: true);
        await page.JoinVoiceAsync(channel, 900, speaksOnly: true);
        var listener = await page.JoinVoiceAsync(channel, 1300);
        await listener.HearsAsync(500, 900);
        var fragment = await listener.RemoteFragmentAsync();

        await listener.AddSlotsAsync(2);

        Assert.Equal(["loudest", "loudest"], await listener.SourcesAsync());
        Assert.Equal(fragment, await listener.RemoteFragmentAsync());
        await listener.HearsApartAsync(500, 900);
    }

    [Fact]
    public async Task IceRestart_GetsNewCredentialsAndGoesOn()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var channel = await page.CreateChannelAsync();
        var ada = await page.JoinVoiceAsync(channel, 500);
        var bob = await page.JoinVoiceAsync(channel, 900);
        await ada.HearsAsync(900);
        var fragment = await ada.RemoteFragmentAsync();

        await ada.RestartIceAsync();

        Assert.NotEqual(fragment, await ada.RemoteFragmentAsync());
        await ada.HearsAsync(900);
        await bob.HearsAsync(500);
    }

    [Fact]
    public async Task State_MuteAndDeaf_AreEnforcedByTheServer()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var channel = await page.CreateChannelAsync();
        var ada = await page.JoinVoiceAsync(channel, 500);
        var bob = await page.JoinVoiceAsync(channel, 900);
        var eve = await page.JoinVoiceAsync(channel, slots: 2);
        await bob.HearsAsync(500);
        await eve.HearsApartAsync(500, 900);

        // The clients go on sending: only the server can make the difference.
        await ada.SetStateAsync(mute: true, deaf: false);
        await bob.HearsAsync();
        await eve.HearsApartAsync(900);
        await ada.HearsAsync(900);
        await ada.SetStateAsync(mute: false, deaf: true);
        await bob.HearsAsync(500);
        await ada.HearsAsync();
        await ada.SetStateAsync(mute: false, deaf: false);
        await ada.HearsAsync(900);
    }

    [Fact]
    public async Task Events_OfTheChannel_TellWhoComesSpeaksAndLeaves()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var channel = await page.CreateChannelAsync();
        var ada = await page.JoinVoiceAsync(channel, events: true);
        var bob = await page.JoinVoiceAsync(channel, 900);

        await ada.HasEventsAsync("voice.speaking.started", 1);
        await bob.SetStateAsync(mute: true, deaf: false);
        await ada.HasEventsAsync("voice.speaking.stopped", 1);
        await bob.LeaveAsync();

        await ada.HasEventsAsync("voice.session.ended", 1);
        Assert.Equal(bob.SessionId, (await ada.EventsAsync("voice.session.ended"))[0].GetProperty("session_id").GetString());
        Assert.Equal(bob.SessionId, (await ada.EventsAsync("voice.speaking.started"))[0].GetProperty("session_id").GetString());
        Assert.Contains(await ada.EventsAsync("voice.session.updated"), e => e.GetProperty("mute").GetBoolean());
        Assert.Equal(2, (await ada.EventsAsync("voice.session.created")).Length);
    }

    [Fact]
    public async Task Join_Again_EndsTheFirstSession()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var channel = await page.CreateChannelAsync();
        var listener = await page.JoinVoiceAsync(channel);
        var user = $"twice-{Guid.NewGuid():N}";
        var first = await page.JoinVoiceAsync(channel, 500, user: user, events: true);
        await listener.HearsAsync(500);

        await page.JoinVoiceAsync(channel, 900, user: user);

        await listener.HearsAsync(900);
        await first.HasEventsAsync("voice.session.ended", 1);
        Assert.Equal("moved", (await first.EventsAsync("voice.session.ended"))[0].GetProperty("reason").GetString());
    }
}
