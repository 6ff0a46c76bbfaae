using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>One room on two workers of one media node, with real browsers.</summary>
[Collection(ClusterGroup.Name)]
public sealed class SeveralWorkersTests(ClusterFixture fixture)
{
    [Fact]
    public async Task Conversation_AcrossTwoWorkers_IsHeard_AndTheRoomComesTogetherAgain()
    {
        var mediaPort = FreePorts.Tcp();
        await using var server = await StandaloneServer.StartAsync(
            "several-workers", settings: [$"--Media:HttpPort={mediaPort}", "--Media:Workers=2", "--Media:MaxConsumersPerWorker=2"]);
        await using var first = await fixture.OpenHarnessAsync(server);
        await using var second = await fixture.OpenHarnessAsync(server);

        // Two hear each other at the first worker; who comes then goes to the second.
        int[] tones = [500, 800, 1100, 1400];
        List<Participant> people = [];
        foreach (var tone in tones)
        {
            people.Add(await (people.Count < 2 ? first : second).JoinAsync("wide", tone));
            await HearEachOtherAsync();
        }

        // A send and a receive transport each.
        var transports = await CountAsync("transports");
        Assert.Equal([4, 4], transports);
        var pipes = await CountAsync("workerPipes");
        Assert.Equal([1, 1], pipes);

        // Muted at one worker is silent at the other.
        await people[0].SetPausedAtServerAsync("audio", true);
        await people[3].HearsExactlyAsync(tones[1], tones[2]);
        await people[0].SetPausedAtServerAsync("audio", false);
        await HearEachOtherAsync();

        foreach (var left in people[2..])
        {
            people.Remove(left);
            await left.LeaveAsync();
        }

        await HearEachOtherAsync();
        var deadline = Environment.TickCount64 + 20_000;
        while ((await CountAsync("workerPipes")).Sum() > 0)
        {
            Assert.True(Environment.TickCount64 < deadline, "The workers' pipes are open 20 s after the second worker's participants left.");
            await Task.Delay(50);
        }

        async Task HearEachOtherAsync()
        {
            foreach (var person in people)
            {
                await person.HearsExactlyAsync([.. people.Where(p => p != person).Select(p => p.ToneHz)]);
            }
        }

        async Task<int[]> CountAsync(string what)
        {
            using var http = new HttpClient();
            using var answer = JsonDocument.Parse(await http.GetStringAsync($"http://127.0.0.1:{mediaPort}/media"));
            return [.. answer.RootElement.GetProperty("workers").EnumerateArray().Select(w => w.GetProperty(what).GetInt32())];
        }
    }
}
