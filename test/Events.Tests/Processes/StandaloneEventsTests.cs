using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using VoiceCluster.Browser.Tests;
using VoiceCluster.Events.Tests.Nats;
using VoiceCluster.Events.Tests.Schemas;

namespace VoiceCluster.Events.Tests.Processes;

/// <summary>The whole server as a process, with NATS beside it.</summary>
public sealed class StandaloneEventsTests
{
    [Fact]
    public async Task Standalone_WithNatsUrl_TellsOfChatsAndCallsAcrossALossOfNats()
    {
        await using var nats = await NatsServerProcess.StartNewAsync(jetStream: true);
        await using (var admin = await NatsPeer.ConnectAsync(nats.Port))
        {
            await admin.StreamAsync("CREATE", "EVENTS", new { name = "EVENTS", subjects = new[] { "call.>", "chat.>", "media.>", "room.>" } });
        }

        await using var server = await StandaloneServer.StartAsync("events-standalone", settings: [$"--NATS_URL={nats.Url}"]);
        using var http = new HttpClient { BaseAddress = new Uri(server.Url) };
        var alice = await SignInAsync(http, "alice");
        var bob = await SignInAsync(http, "bob");
        var chat = await PostAsync(http, alice.Token, "/api/v1/chats", new { member_ids = new[] { bob.UserId } });

        // Readiness names the bridge that is away, and does not depend on it.
        await nats.KillAsync();
        await Eventually.TrueAsync(async () => (await ReadinessAsync(http)).Contains("NATS is away", StringComparison.Ordinal), "the loss is seen");
        var call = await PostAsync(
            http, alice.Token, "/api/v1/calls", new { chat_id = chat.GetProperty("id").GetString(), recipient_id = bob.UserId, call_type = "voice" });
        var id = call.GetProperty("id").GetString();
        using var hangup = new HttpRequestMessage(HttpMethod.Delete, $"/api/v1/calls/{id}");
        hangup.Headers.Authorization = new AuthenticationHeaderValue("Bearer", alice.Token);
        (await http.SendAsync(hangup)).EnsureSuccessStatusCode();

        await nats.StartAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port);
        List<(string Subject, byte[] Payload)> told = [];
        await Eventually.TrueAsync(
            async () =>
            {
                told = await peer.ReadStreamAsync("EVENTS");
                return told.Any(m => m.Subject == "call.ended");
            },
            "the end of the call is told");

        Assert.All(told, m => EventSchemas.AssertValid(JsonSerializer.Deserialize<JsonElement>(m.Payload), m.Subject));
        Assert.Equal(["call.ringing", "call.ended"], told.Select(m => m.Subject).Where(s => s.StartsWith("call.", StringComparison.Ordinal)));
        Assert.Contains("chat.created", told.Select(m => m.Subject));
        Assert.Contains("media.node.joined", told.Select(m => m.Subject));
        Assert.Contains("\"nats\":\"ready\"", await ReadinessAsync(http), StringComparison.Ordinal);
    }

    private static async Task<string> ReadinessAsync(HttpClient http)
    {
        using var response = await http.GetAsync(new Uri("/health/ready", UriKind.Relative));
        Assert.True(response.IsSuccessStatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<(string Token, string UserId)> SignInAsync(HttpClient http, string name)
    {
        var token = await PostAsync(http, null, "/api/v1/auth/token", new { username = name });
        return (token.GetProperty("token").GetString()!, token.GetProperty("user_id").GetString()!);
    }

    private static async Task<JsonElement> PostAsync(HttpClient http, string? token, string path, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await http.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }
}
