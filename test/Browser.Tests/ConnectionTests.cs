using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>The ways to reach the door, and what happens when a connection breaks.</summary>
[Collection(ClusterGroup.Name)]
public sealed class ConnectionTests(ClusterFixture cluster)
{
    [Theory]
    [InlineData("websocket", "websocket")]
    [InlineData("polling", "polling")]
    [InlineData("polling,websocket", "polling,websocket")]
    public async Task Join_OverTransports_UsesThemAndHears(string transports, string used)
    {
        await using var page = await cluster.OpenHarnessAsync();
        var room = $"transport-{transports}";
        var plain = await page.JoinAsync(room, 500);
        var tested = await page.JoinAsync(room, 800, transports: transports.Split(','));

        await tested.HearsExactlyAsync(500);
        await plain.HearsExactlyAsync(800);

        var names = (await tested.ReportAsync()).GetProperty("socketTransports").EnumerateArray().Select(t => t.GetString());
        Assert.Equal(used, string.Join(',', names));
    }

    [Fact]
    public async Task Join_UserIdAsNumberAndText_IsShownBackUnchanged()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var number = await page.JoinAsync("names", user: 1, displayName: "Ada");
        var text = await page.JoinAsync("names", user: "bob");

        var seen = (await text.ReportAsync()).GetProperty("peers").EnumerateArray().Single(p => p.GetProperty("peerId").GetString() == number.PeerId);
        Assert.Equal(JsonValueKind.Number, seen.GetProperty("userId").ValueKind);
        Assert.Equal(1, seen.GetProperty("userId").GetInt32());
        Assert.Equal("Ada", seen.GetProperty("displayName").GetString());
        var joined = Assert.Single(await number.EventsAsync("peer-joined"));
        Assert.Equal("bob", joined.GetProperty("userId").GetString());
    }

    [Fact]
    public async Task Socket_BrokenForAMoment_VoicesGoOnAndTheParticipantIsTheSame()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var ada = await page.JoinAsync("broken", 500);
        var bob = await page.JoinAsync("broken", 800);
        var eve = await page.JoinAsync("broken", 1100);
        await page.AllHearAsync([ada, bob, eve], [ada, bob, eve]);

        await bob.BreakConnectionAsync();
        await page.WaitAsync("isRecovered", [bob.Key], bob);

        await page.AllHearAsync([ada, bob, eve], [ada, bob, eve]);
        Assert.Empty(await ada.EventsAsync("peer-left"));
        var late = await page.JoinAsync("broken", 1400);
        await page.AllHearAsync([ada, bob, eve, late], [ada, bob, eve, late]);
    }

    [Fact]
    public async Task RestartIce_OnBothTransports_VoicesGoOn()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var ada = await page.JoinAsync("restart", 500);
        var bob = await page.JoinAsync("restart", 800);
        await page.AllHearAsync([ada, bob], [ada, bob]);

        var before = await page.CallAsync<string[]>("remoteIceUsers", bob.Key);
        Assert.Equal(2, before.Length);

        await bob.RestartIceAsync();
        await page.WaitAsync("hasOtherIceUsers", [bob.Key, before], bob);

        await page.AllHearAsync([ada, bob], [ada, bob]);
    }
}
