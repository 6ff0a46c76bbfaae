using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using VoiceCluster.Hosts.Tests.Clients;
using Xunit.Abstractions;

namespace VoiceCluster.Hosts.Tests;

/// <summary>Native clients whose frontend stops or dies: their sound goes on, and they keep their place through another.</summary>
[Collection(RunningClusterGroup.Name)]
public sealed class ChannelTests(RunningCluster running, ITestOutputHelper output)
{
    [Theory]
    [InlineData("stopped")]
    [InlineData("killed")]
    public Task Frontend_Goes_ANativeClientKeepsItsPlace(string how) => running.RunAsync(output, async cluster =>
    {
        using HttpClient http = new() { BaseAddress = new Uri(cluster.Frontends[1]) };
        using var made = await http.PostAsJsonAsync("/api/channels", new { name = "general", owner_id = "owner" });
        var channel = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
        await using var bob = await ChannelVoice.JoinAsync(cluster.Frontends[1], $"bob-{how}", channel);
        await using var alice = await ChannelVoice.JoinAsync(cluster.Frontends[0], $"alice-{how}", channel);
        await alice.SpeakAsync();
        await HearsAsync(bob, alice);
        var told = bob.Messages.Length;

        if (how == "stopped")
        {
            await cluster.StopAsync("frontend-1");
            Assert.Equal((WebSocketCloseStatus)1012, await alice.Ended.Task);
            Assert.Equal("SERVICE_RESTART", alice.Messages[^1].Body.GetProperty("code").GetString());
        }
        else
        {
            await cluster.KillAsync("frontend-1");
            Assert.NotEqual((WebSocketCloseStatus)1012, await alice.Ended.Task);
        }

        // Without a frontend she is heard all the same.
        await HearsAsync(bob, alice);
        await using var again = await ChannelVoice.JoinAsync(cluster.Frontends[1], $"alice-{how}", channel, alice.ResumeToken);
        Assert.True(again.Joined.GetProperty("resumed").GetBoolean());
        Assert.Equal(2, again.Joined.GetProperty("users").GetArrayLength());
        await alice.FallSilentAsync();

        // The voice that she had begun need not be begun again.
        await again.SpeakAsync(alice.Said, says: false);
        await HearsAsync(bob, again);
        await bob.SpeakAsync();
        await HearsAsync(again, bob);
        string[] since = [.. bob.Messages.Skip(told).Select(m => m.Name)];
        Assert.DoesNotContain(since, n => n is "UserLeft" or "UserJoined");
        Assert.Equal(["AudioStopped", "AudioStarted"], since.Where(n => n.StartsWith("Audio", StringComparison.Ordinal)).Take(2));
        await cluster.StartAsync("frontend-1");
    });

    /// <summary>Waits until what is said from now on is heard.</summary>
    private static async Task HearsAsync(ChannelVoice listener, ChannelVoice speaker)
    {
        var said = speaker.Said;
        await Eventually.HoldsAsync(() => listener.Heard > said, $"a frame after {said}");
    }
}
