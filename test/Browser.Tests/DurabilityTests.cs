using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using VoiceCluster.Storage.Tests;

namespace VoiceCluster.Browser.Tests;

/// <summary>What survives a process that is killed with -9, with the embedded database and with PostgreSQL.</summary>
public sealed class DurabilityTests(PostgresServer postgres) : IClassFixture<PostgresServer>, IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly string _data = Directory.CreateTempSubdirectory("voicecluster-data-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgresql")]
    public async Task Calls_ServerIsKilledWhileOneRings_ChatTokenAndHistoryStayAndTheRingEndsOnce(string database)
    {
        string[] settings =
        [
            "--Calls:RingTimeout=00:00:04",
            .. database == "postgresql" ? [$"--DATABASE_URL={await postgres.CreateDatabaseAsync()}"] : Array.Empty<string>(),
        ];
        string chat;
        string ringing;
        string rejected;
        string alice;
        string bob;
        await using (var first = await StandaloneServer.StartAsync($"durability-{database}-first", data: _data, settings: settings))
        {
            (alice, _) = await TokenAsync(first, "alice");
            (bob, var bobId) = await TokenAsync(first, "bob");
            chat = (await SendAsync(first, alice, HttpMethod.Post, "/api/v1/chats", new { member_ids = new[] { bobId } })).GetProperty("id").GetString()!;
            rejected = await CallAsync(first, alice, chat, bobId);
            await SendAsync(first, bob, HttpMethod.Patch, $"/api/v1/calls/{rejected}", new { accept = false });
            ringing = await CallAsync(first, alice, chat, bobId);
            await first.KillAsync();
        }

        await using var second = await StandaloneServer.StartAsync($"durability-{database}-second", data: _data, settings: settings);
        using var deadline = new CancellationTokenSource(Deadline);
        JsonElement call;
        while ((call = await SendAsync(second, alice, HttpMethod.Get, $"/api/v1/calls/{ringing}")).GetProperty("status").GetString() == "ringing")
        {
            await Task.Delay(100, deadline.Token);
        }

        Assert.Equal("missed", call.GetProperty("status").GetString());
        var history = await SendAsync(second, bob, HttpMethod.Get, $"/api/v1/calls?chat_id={chat}");
        Assert.Equal(
            [(ringing, "missed"), (rejected, "rejected")],
            history.GetProperty("calls").EnumerateArray().Select(c => (c.GetProperty("id").GetString()!, c.GetProperty("status").GetString()!)));

        // Nobody is held busy by what the dead process left: the next call rings.
        var (_, sameBob) = await TokenAsync(second, "bob");
        await CallAsync(second, alice, chat, sameBob);
    }

    private static async Task<(string Token, string UserId)> TokenAsync(StandaloneServer server, string username)
    {
        using var http = new HttpClient();
        using var response = await http.PostAsJsonAsync($"{server.Url}/api/v1/auth/token", new { username });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        return (body.GetProperty("token").GetString()!, body.GetProperty("user_id").GetString()!);
    }

    private static async Task<string> CallAsync(StandaloneServer server, string token, string chat, string recipient)
    {
        var call = await SendAsync(
            server, token, HttpMethod.Post, "/api/v1/calls", new { chat_id = chat, recipient_id = recipient, call_type = "voice" });
        Assert.Equal("ringing", call.GetProperty("status").GetString());
        return call.GetProperty("id").GetString()!;
    }

    private static async Task<JsonElement> SendAsync(StandaloneServer server, string token, HttpMethod method, string path, object? body = null)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(method, server.Url + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Content = body is null ? null : JsonContent.Create(body);
        using var response = await http.SendAsync(request);
        Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created, $"{method} {path}: {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }
}
