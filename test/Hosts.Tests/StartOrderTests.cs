using System.Net.Http.Json;
using System.Text.Json;
using VoiceCluster.Browser.Tests;
using VoiceCluster.Hosts.Tests.Clients;
using Xunit.Abstractions;

namespace VoiceCluster.Hosts.Tests;

/// <summary>Processes that are started before what they need, the stores last and the database empty.</summary>
[Collection(RunningClusterGroup.Name)]
public sealed class StartOrderTests(RunningCluster running, ITestOutputHelper output)
{
    private static readonly string[] Everything = ["frontend-1", "frontend-2", "media-1", "media-2", "silo-1", "silo-2"];

    /// <summary>In the order of their start, and what the cluster's part of each says that it waits for.</summary>
    private static readonly (string Name, string WaitsFor)[] First =
        [("frontend-1", "No gateway of the cluster answers."), ("media-1", "No gateway of the cluster answers."), ("silo-1", "The membership table cannot be used: Redis")];

    [Fact]
    public Task Stores_StartedLast_EverybodyWaitsSaysForWhatAndServesThen() => running.RunAsync(output, async cluster =>
    {
        await Task.WhenAll(Everything.Select(name => cluster.StopAsync(name)));
        await cluster.EmptyDatabaseAsync();
        await Task.WhenAll(cluster.StopAsync("redis"), cluster.StopAsync("nats"), cluster.StopAsync("postgres", "INT"));

        foreach (var (name, waitsFor) in First)
        {
            await cluster.LaunchAsync(name);
            await Eventually.HoldsAsync(async () => (await LackAsync(cluster, name))?.Contains(waitsFor, StringComparison.Ordinal) == true, $"{name} says \"{waitsFor}\"");
        }

        // The later ones are there, and it is the stores that all of them wait for.
        foreach (var (name, waitsFor) in First)
        {
            var lack = await LackAsync(cluster, name);
            output.WriteLine($"{name}: {lack}");
            Assert.Contains(waitsFor, lack, StringComparison.Ordinal);
        }

        var started = First.ToDictionary(p => p.Name, p => cluster.PidOf(p.Name));
        foreach (var store in (string[])["nats", "redis", "postgres"])
        {
            await cluster.StartAsync(store);
        }

        foreach (var (name, _) in First)
        {
            await cluster.WaitReadyAsync(name);
        }

        await using (var crowd = await Crowd.GatherAsync(2, 2, () => new Uri(cluster.Frontends[0])))
        await using (var pair = await CallPair.MeetAsync(() => new Uri(cluster.Frontends[0]), $"order-{Guid.NewGuid():N}"))
        {
            await pair.StartAsync();
            await pair.HangUpAsync();
            Assert.All(crowd.Everybody, t => Assert.Equal(1, t.FreshJoins));
        }

        Assert.All(First, p => Assert.Equal((started[p.Name], false), (cluster.PidOf(p.Name), cluster.HasEnded(p.Name))));
        foreach (var name in Everything.Except(started.Keys))
        {
            await cluster.StartAsync(name);
        }
    });

    /// <summary>What the process says in /health/ready, with 503, that it lacks of the cluster; null when it does not answer yet. The process itself must live and say so.</summary>
    private static async Task<string?> LackAsync(LocalCluster cluster, string name)
    {
        using HttpClient http = new();
        try
        {
            using var alive = await http.GetAsync($"{cluster.UrlOf(name)}/health");
            Assert.Equal(200, (int)alive.StatusCode);
            using var ready = await http.GetAsync($"{cluster.UrlOf(name)}/health/ready");
            Assert.Equal(503, (int)ready.StatusCode);
            return (await ready.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("data").GetProperty("cluster").GetString();
        }
        catch (HttpRequestException)
        {
            Assert.False(cluster.HasEnded(name), $"{name} has ended.");
            return null;
        }
    }
}
