using System.Net.Http.Json;
using System.Text.Json;
using VoiceCluster.Browser.Tests;
using VoiceCluster.Hosts.Tests.Clients;
using Xunit.Abstractions;

namespace VoiceCluster.Hosts.Tests;

/// <summary>What is asked about a room that is on two media nodes: one answer for both.</summary>
[Collection(RunningClusterGroup.Name)]
public sealed class SeveralMediaNodesTests(ITestOutputHelper output)
{
    /// <summary>Room for three who hear each other; the fourth goes to the other node.</summary>
    private const string MaxConsumers = "6";

    [Fact]
    public Task Statistics_OfARoomOnTwoNodes_CountEachPacketOnce() => RunAsync(CountAsync);

    [Fact]
    public Task Recording_OfARoomOnTwoNodes_IsWhole_AlsoAfterTheLossOfOne() => RunAsync(RecordAsync);

    /// <summary>A cluster for each: nodes that were full a moment ago are full for the fleet until their next heartbeat.</summary>
    private async Task RunAsync(Func<LocalCluster, Task> test)
    {
        await using var cluster = await LocalCluster.StartAsync(("Media__MaxConsumersPerNode", MaxConsumers), ("RateLimit__Enabled", "false"));
        try
        {
            await test(cluster);
        }
        catch
        {
            output.WriteLine(cluster.Logs());
            throw;
        }
    }

    private static async Task CountAsync(LocalCluster cluster)
    {
        var made = await PostAsync(cluster.Frontends[0], "/api/channels", new { name = "wide", owner_id = "owner" });
        var channel = made.GetProperty("id").GetString()!;
        await using var crowd = await Crowd.GatherAsync(4, channel, () => new Uri(cluster.Frontends[0]));
        Assert.Equal((1, 1), (await cluster.RoomsOfAsync(1), await cluster.RoomsOfAsync(2)));

        foreach (var frontend in cluster.Frontends)
        {
            // Each frame is counted once, at its speaker's node, though it goes through a pipe as well.
            var before = crowd.Everybody.Sum(t => t.Frames);
            JsonElement stats = default;
            await Eventually.HoldsAsync(
                async () => (stats = await GetAsync(frontend, $"/api/channels/{channel}/audio/stats")).GetProperty("packets_received").GetInt64() >= before,
                "the packets of all");
            Assert.InRange(stats.GetProperty("packets_received").GetInt64(), before, crowd.Everybody.Sum(t => t.Frames));
            Assert.True(stats.GetProperty("packets_routed").GetInt64() > 2 * stats.GetProperty("packets_received").GetInt64());
            Assert.Equal((4, 8), (stats.GetProperty("users").GetInt32(), stats.GetProperty("clients").GetInt32()));
        }
    }

    private static async Task RecordAsync(LocalCluster cluster)
    {
        var frontend = cluster.Frontends[0];
        var call = (await PostAsync(frontend, "/call/session", new { creatorId = "talker-0", type = "audio" })).GetProperty("data").GetProperty("id").GetString()!;
        for (var i = 1; i < 4; i++)
        {
            await PostAsync(frontend, "/call/join", new { sessionId = call, participantId = $"talker-{i}" });
        }

        await using var crowd = await Crowd.GatherAsync(4, call, () => new Uri(frontend));
        Assert.Equal((1, 1), (await cluster.RoomsOfAsync(1), await cluster.RoomsOfAsync(2)));
        await PostAsync(frontend, "/call/recording/start", new { sessionId = call, participantId = "talker-0" });
        await Eventually.HoldsAsync(async () => VoicesIn(await FilesAsync()) == 4, "a file of each, whichever node it is on");

        // The node that records has three of them; the other one goes on.
        var (lost, left) = await cluster.CountAsync(1, "transports") > 2 ? ("media-1", "media-2") : ("media-2", "media-1");
        var before = (await FilesAsync()).Length;
        await cluster.KillAsync(lost);
        await crowd.HearEachOtherAsync();
        await Eventually.HoldsAsync(async () => VoicesIn((await FilesAsync())[before..]) == 4, $"a file of each at {left}");
        await PostAsync(frontend, "/call/recording/stop", new { sessionId = call, participantId = "talker-0" });

        // Started again, it repairs what was torn, and serves it from where it is now.
        await cluster.StartAsync(lost);
        await Eventually.HoldsAsync(async () => (await FilesAsync()).All(f => f.GetProperty("complete").GetBoolean()), "every file complete");
        using HttpClient http = new();
        foreach (var file in await FilesAsync())
        {
            foreach (var server in cluster.Frontends)
            {
                var content = await http.GetByteArrayAsync(server + file.GetProperty("url").GetString());
                Assert.Equal(file.GetProperty("size").GetInt64(), content.Length);
                Assert.True(content.AsSpan().StartsWith("OggS"u8));
                Assert.Equal(4, content[content.AsSpan().LastIndexOf("OggS"u8) + 5] & 4);
            }
        }

        async Task<JsonElement[]> FilesAsync() =>
            [.. (await GetAsync(frontend, $"/call/recordings/{call}")).GetProperty("data").EnumerateArray().Single().GetProperty("files").EnumerateArray()];
    }

    private static int VoicesIn(JsonElement[] files) => files
        .Where(f => f.GetProperty("kind").GetString() == "audio").Select(f => f.GetProperty("participantId").GetString()).Distinct().Count();

    private static async Task<JsonElement> PostAsync(string frontend, string path, object body)
    {
        using HttpClient http = new();
        using var answer = await http.PostAsJsonAsync(frontend + path, body);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {await answer.Content.ReadAsStringAsync()}");
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static async Task<JsonElement> GetAsync(string frontend, string path)
    {
        using HttpClient http = new();
        return await http.GetFromJsonAsync<JsonElement>(frontend + path);
    }
}
