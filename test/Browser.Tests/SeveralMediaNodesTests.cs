using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>One room on two media nodes, in a cluster of processes with real browsers.</summary>
[Collection(ClusterGroup.Name)]
public sealed class SeveralMediaNodesTests(ClusterFixture fixture, ITestOutputHelper output)
{
    /// <summary>Room for three who hear each other; the fourth goes to the other node.</summary>
    private const string MaxConsumers = "6";

    [Fact]
    public async Task Conversation_AcrossTwoNodes_IsHeard_AndOutlivesOneOfThem()
    {
        await using var cluster = await LocalCluster.StartAsync(("Media__MaxConsumersPerNode", MaxConsumers));
        try
        {
            await using var first = await fixture.OpenHarnessAsync(cluster.Frontends[0]);
            await using var second = await fixture.OpenHarnessAsync(cluster.Frontends[1]);
            List<Participant> people = [];
            int[] tones = [500, 800, 1100, 1400];
            foreach (var tone in tones)
            {
                people.Add(await (people.Count % 2 == 0 ? first : second).JoinAsync("wide", tone));
                await HearEachOtherAsync();
            }

            // A send and a receive transport each; one pipe between the two routers of the room.
            int[] transports = [await cluster.CountAsync(1, "transports"), await cluster.CountAsync(2, "transports")];
            Assert.Equal([2, 6], transports.Order());
            Assert.Equal((1, 1), (await cluster.CountAsync(1, "pipes"), await cluster.CountAsync(2, "pipes")));

            // The node of three dies: they are told, and the fourth is not. Everybody hears everybody again.
            var stopwatch = Stopwatch.StartNew();
            await cluster.KillAsync(transports[0] == 6 ? "media-1" : "media-2");
            foreach (var moved in people.Take(3))
            {
                await moved.Page.WaitAsync("hasEvent", [moved.Key, "media-moved"], moved);
            }

            var told = stopwatch.Elapsed;
            await HearEachOtherAsync();
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"Told {told.TotalSeconds:F1} s after the kill, all hear all after {stopwatch.Elapsed.TotalSeconds:F1} s."));
            Assert.Empty(await people[3].EventsAsync("media-moved"));
            Assert.Equal(0, await cluster.CountAsync(transports[0] == 6 ? 2 : 1, "pipes"));

            async Task HearEachOtherAsync()
            {
                foreach (var person in people)
                {
                    await person.HearsExactlyAsync([.. people.Where(p => p != person).Select(p => p.ToneHz)]);
                }
            }
        }
        catch
        {
            output.WriteLine(cluster.Logs());
            throw;
        }
    }
}
