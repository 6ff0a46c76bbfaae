using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>
/// A frontend that ends under people who talk: the stock clients connect to another by themselves, through what balances them, and go
/// on with the participants that they were.
/// </summary>
[Collection(ClusterGroup.Name)]
public sealed class FrontendLossTests(ClusterFixture fixture, ITestOutputHelper output)
{
    [Fact]
    public async Task Frontends_KilledAndStopped_StockClientsComeBackAsWhoTheyWere()
    {
        await using var cluster = await LocalCluster.StartAsync();
        try
        {
            await using var balancer = new Balancer(cluster.Frontends);
            await using var first = await fixture.OpenHarnessAsync(balancer.Url);
            await using var second = await fixture.OpenHarnessAsync(cluster.Frontends[1]);
            var ada = await first.JoinAsync("frontends", 500, user: "ada");
            var bob = await second.JoinAsync("frontends", 800, user: "bob");
            await ada.HearsExactlyAsync(800);
            await bob.HearsExactlyAsync(500);

            await cluster.KillAsync("frontend-1");
            await first.WaitAsync("hasEvent", [ada.Key, "came-back"], ada);
            await CameBackAsync(ada, times: 1);
            await ada.HearsExactlyAsync(800);
            await bob.HearsExactlyAsync(500);

            // Whoever comes now is heard by her: her events go to the frontend that she is at.
            var eve = await second.JoinAsync("frontends", 1100, user: "eve");
            await ada.HearsExactlyAsync(800, 1100);
            await eve.HearsExactlyAsync(500, 800);

            // A frontend that stops says so, and its clients do not wait for a time-out.
            await cluster.StartAsync("frontend-1");
            await cluster.StopAsync("frontend-2");
            await first.WaitAsync("hasEvent", [ada.Key, "server-restart"], ada);
            await first.WaitAsync("hasEvents", [ada.Key, "came-back", 2], ada);
            await CameBackAsync(ada, times: 2);
            await ada.HearsExactlyAsync(800, 1100);

            // Bob and Eve know no other frontend: nobody carries their events, but they are heard, and hear.
            await bob.HearsExactlyAsync(500, 1100);
            await eve.HearsExactlyAsync(500, 800);
            await cluster.StartAsync("frontend-2");
            await second.WaitAsync("hasEvent", [bob.Key, "came-back"], bob);
            await CameBackAsync(bob, times: 1);
            foreach (var participant in (Participant[])[ada, bob, eve])
            {
                Assert.Empty(await participant.EventsAsync("peer-left"));
                Assert.Empty(await participant.EventsAsync("producer-closed"));
                Assert.Empty(await participant.EventsAsync("media-moved"));
            }
        }
        catch
        {
            output.WriteLine(cluster.Logs());
            throw;
        }
    }

    private static async Task CameBackAsync(Participant participant, int times)
    {
        var events = await participant.EventsAsync("came-back");
        Assert.Equal(times, events.Length);
        Assert.All(events, e => Assert.True(e.GetProperty("resumed").GetBoolean()));
        Assert.All(events, e => Assert.Equal(participant.PeerId, e.GetProperty("peerId").GetString()));
        Assert.Equal(2, events[^1].GetProperty("transports").GetArrayLength());
    }
}
