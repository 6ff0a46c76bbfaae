using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>People who talk through a cluster of processes, and what they notice when one is killed.</summary>
[Collection(ClusterGroup.Name)]
public sealed class ClusterLossTests(ClusterFixture fixture, ITestOutputHelper output)
{
    /// <summary>Media nodes that are killed one after the other; bench/cluster/media-loss.sh asks for more.</summary>
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("VOICECLUSTER_MEDIA_ROUNDS") ?? "1", CultureInfo.InvariantCulture);

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

    [Fact]
    public async Task MediaNode_Killed_EachPersonHearsTheOthersAgain()
    {
        int[] tones = [500, 800, 1100, 1400];
        await using var cluster = await LocalCluster.StartAsync();
        var people = new List<Participant>();
        try
        {
            foreach (var tone in tones)
            {
                people.Add(await (await fixture.OpenHarnessAsync(cluster.Frontends[people.Count % 2])).JoinAsync("moving", tone));
            }

            List<double> told = [], heard = [];
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var person in people)
                {
                    await person.HearsExactlyAsync([.. tones.Where(t => t != person.ToneHz)]);
                }

                var node = await cluster.RoomsOfAsync(1) > 0 ? 1 : 2;
                var waiting = people.Select(p => p.Page.CallAsync<JsonElement>(
                    "soundsAgain", p.Key, tones.Where(t => t != p.ToneHz).ToArray(), round, 30_000)).ToArray();
                var killed = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
                await cluster.KillAsync($"media-{node}");
                foreach (var again in await Task.WhenAll(waiting))
                {
                    Assert.Equal(JsonValueKind.Object, again.ValueKind);
                    told.Add(again.GetProperty("movedAt").GetDouble() - killed);
                    heard.Add(again.GetProperty("heardAt").GetDouble() - killed);
                }

                output.WriteLine($"media-{node} killed: told after {Show(told.TakeLast(tones.Length))} ms, all others heard again after {Show(heard.TakeLast(tones.Length))} ms");
                await cluster.StartAsync($"media-{node}");
            }

            output.WriteLine($"{Rounds} kills, {heard.Count} listeners: told after a median of {Median(told):F0} ms, at the latest {told.Max():F0}; all others heard again after a median of {Median(heard):F0} ms, at the latest {heard.Max():F0}");
            foreach (var person in people)
            {
                await person.HearsExactlyAsync([.. tones.Where(t => t != person.ToneHz)]);
            }
        }
        catch
        {
            output.WriteLine(cluster.Logs());
            throw;
        }
        finally
        {
            foreach (var person in people)
            {
                await person.Page.DisposeAsync();
            }
        }

        static string Show(IEnumerable<double> milliseconds) => string.Join(", ", milliseconds.Order().Select(m => m.ToString("F0", CultureInfo.InvariantCulture)));

        static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }
}
