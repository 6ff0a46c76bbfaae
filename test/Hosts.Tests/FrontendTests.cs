using System.Net;
using VoiceCluster.Browser.Tests;
using VoiceCluster.Hosts.Tests.Clients;
using Xunit.Abstractions;

namespace VoiceCluster.Hosts.Tests;

/// <summary>Frontends that stop and die: their clients go on through another, and the others in the room notice nothing.</summary>
[Collection(RunningClusterGroup.Name)]
public sealed class FrontendTests(RunningCluster running, ITestOutputHelper output)
{
    [Theory]
    [InlineData("stopped")]
    [InlineData("killed")]
    public Task Frontend_Goes_ItsClientsKeepTheirParticipants(string how) => running.RunAsync(output, async cluster =>
    {
        await using var balancer = new Balancer(cluster.Frontends);
        await using var crowd = await Crowd.GatherAsync(4, 4, () => new Uri(balancer.Url));
        await using var pair = await CallPair.MeetAsync(() => new Uri(balancer.Url), $"frontend-{how}");
        await pair.StartAsync();
        var (mark, peers) = (crowd.Mark(), crowd.Everybody.Select(t => t.PeerId).ToArray());

        if (how == "stopped")
        {
            var stopping = cluster.StopAsync("frontend-1");
            Assert.True(await SaysNotReadyAsync(cluster.Frontends[0]), "A frontend that stops says so before it closes its door.");
            output.WriteLine($"frontend-1 ended after {(await stopping).TotalSeconds:F1} s");
        }
        else
        {
            await cluster.KillAsync("frontend-1");
        }

        await Eventually.HoldsAsync(() => crowd.Everybody.All(t => t.Resumptions == 1), "everybody connected through the other frontend");
        await crowd.HearEachOtherAsync();
        await pair.SignalAsync();
        Assert.Equal("accepted", await pair.StateAsync());
        await pair.HangUpAsync();
        await cluster.StartAsync("frontend-1");

        Assert.Empty(crowd.LostSince(mark));
        Assert.Equal(peers, crowd.Everybody.Select(t => t.PeerId));
        Assert.All(crowd.Everybody, t => Assert.Equal(1, t.FreshJoins));
        var log = crowd.Everybody.SelectMany(t => t.Log).ToArray();
        Assert.DoesNotContain(log, l => l.Contains("peer-left", StringComparison.Ordinal) || l.Contains("media-moved", StringComparison.Ordinal));
        Assert.Equal(how == "stopped" ? 4 : 0, log.Count(l => l.Contains("server-restart", StringComparison.Ordinal)));
    });

    /// <summary>True when it answers 503 before it answers no more.</summary>
    private static async Task<bool> SaysNotReadyAsync(string frontend)
    {
        using var http = new HttpClient();
        try
        {
            while (true)
            {
                using var answer = await http.GetAsync($"{frontend}/health/ready");
                if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
                {
                    return true;
                }
            }
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
