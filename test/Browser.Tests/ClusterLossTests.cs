using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>People who talk through a cluster of processes, and what they notice when one is killed.</summary>
[Collection(ClusterGroup.Name)]
public sealed class ClusterLossTests(ClusterFixture fixture, ITestOutputHelper output)
{
    [Fact]
    public async Task Processes_KilledOneByOne_TheConversationGoesOn()
    {
        await using var cluster = await LocalCluster.StartAsync();
        try
        {
            await using var first = await fixture.OpenHarnessAsync(cluster.Frontends[0]);
            await using var second = await fixture.OpenHarnessAsync(cluster.Frontends[1]);
            var ada = await first.JoinAsync("cluster", 500);
            var bob = await second.JoinAsync("cluster", 800);
            await ada.HearsExactlyAsync(800);
            await bob.HearsExactlyAsync(500);

            // A silo: nobody hears it, and who joins afterwards finds the room as it was.
            await cluster.KillAsync("silo-1");
            await ada.HearsExactlyAsync(800);
            await bob.HearsExactlyAsync(500);
            var eve = await first.JoinAsync("cluster", 1100);
            await eve.HearsExactlyAsync(500, 800);
            await bob.HearsExactlyAsync(500, 1100);
            Assert.Empty(await ada.EventsAsync("media-moved"));

            // The media node that has the room: everybody is told, and hears the others again at the other node.
            var node = await cluster.RoomsOfAsync(1) > 0 ? 1 : 2;
            await cluster.KillAsync($"media-{node}");
            await first.WaitAsync("hasEvent", [ada.Key, "media-moved"], ada);
            await ada.HearsExactlyAsync(800, 1100);
            await bob.HearsExactlyAsync(500, 1100);
            await eve.HearsExactlyAsync(500, 800);
            Assert.True(await cluster.RoomsOfAsync(3 - node) > 0);
        }
        catch
        {
            output.WriteLine(cluster.Logs());
            throw;
        }
    }
}
