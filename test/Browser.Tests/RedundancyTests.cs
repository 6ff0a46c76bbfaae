using System.Text.Json;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>Opus with redundancy (RFC 2198) between real browsers.</summary>
[Collection(ClusterGroup.Name)]
public sealed class RedundancyTests(ClusterFixture cluster, ITestOutputHelper output)
{
    [Fact]
    public async Task Sender_WithRedundancy_IsHeardByWhoTakesIt_AndByWhoDoesNot()
    {
        await using var server = await StandaloneServer.StartAsync("redundancy", settings: ["--Media:OfferRed=true"]);
        await using var page = await cluster.OpenHarnessAsync(server);
        var sender = await page.JoinAsync("red", 440, red: "send");
        var takes = await page.JoinAsync("red", 600);
        var refuses = await page.JoinAsync("red", 800, red: "refuse");
        await page.AllHearAsync([sender, takes, refuses], [sender, takes, refuses]);

        foreach (var p in new[] { sender, takes, refuses })
        {
            output.WriteLine((await page.CallAsync<JsonElement>("stats", p.Key)).GetRawText());
        }
    }
}
