using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using VoiceCluster.ApiFrontend.Tests.Voice;

namespace VoiceCluster.ApiFrontend.Tests.Channels;

public sealed class UsersRestTests(VoiceApp app) : IClassFixture<VoiceApp>
{
    [Fact]
    public async Task User_IsMadeOnceAndFound()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var name = $"n{Guid.NewGuid():N}";

        var (status, made) = await alice.SendAsync("POST", "/api/users", new { username = name });
        Assert.Equal((201, alice.Id, name), (status, made.GetProperty("id").GetGuid(), made.GetProperty("username").GetString()));
        Assert.Equal(made.ToString(), (await bob.SendAsync("GET", $"/api/users/{alice.Id}")).Body.ToString());

        var (taken, error) = await bob.SendAsync("POST", "/api/users", new { username = name });
        Assert.Equal((409, "USERNAME_TAKEN"), (taken, error.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal(409, (await alice.SendAsync("POST", "/api/users", new { username = "another" })).Status);
        Assert.Equal(404, (await bob.SendAsync("GET", $"/api/users/{bob.Id}")).Status);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"username":7}""")]
    [InlineData("""{"username":""}""")]
    [InlineData("""{"username":"two words"}""")]
    public async Task User_WithAWrongName_IsInvalid(string body) =>
        Assert.Equal(400, (await (await app.UserAsync()).SendAsync("POST", "/api/users", body)).Status);

    [Fact]
    public async Task Members_AreListedWithTheirRoles()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var channel = await alice.ChannelAsync();
        await alice.SendAsync("POST", $"/api/channels/{channel}/members", new { user_id = bob.Id });

        var (_, members) = await bob.SendAsync("GET", $"/api/channels/{channel}/members");

        Assert.Equal(
            [(alice.Id, "owner"), (bob.Id, "member")],
            members.EnumerateArray().Select(m => (m.GetProperty("user_id").GetGuid(), m.GetProperty("role").GetString()!)));
        Assert.Equal(400, (await alice.SendAsync("POST", $"/api/channels/{channel}/members", new { user_id = "bob" })).Status);
        Assert.Equal(204, (await bob.SendAsync("DELETE", $"/api/channels/{channel}/members/{bob.Id}")).Status);
        Assert.Equal(404, (await alice.SendAsync("GET", $"/api/channels/{Guid.NewGuid()}/members")).Status);
    }

    [Fact]
    public async Task Audio_ConfigAndStatistics_AreNumbersOfNow()
    {
        var alice = await app.UserAsync();
        var channel = await alice.ChannelAsync();
        var (_, config) = await alice.SendAsync("GET", "/api/audio/config");
        Assert.Equal((3002, 48_000, 2, 1_024, 1_500), (
            config.GetProperty("udp_port").GetInt32(), config.GetProperty("sample_rate").GetInt32(), config.GetProperty("channels").GetInt32(),
            config.GetProperty("buffer_size").GetInt32(), config.GetProperty("max_packet_size").GetInt32()));

        Assert.Equal(0, (await StatisticsAsync()).GetProperty("packets_received").GetInt64());
        await using var client = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await client.AuthenticateAsync(alice.Token);
        await client.SendAsync("JoinChannel", channel);
        await client.NextAsync("ChannelJoined");
        var now = await StatisticsAsync();
        Assert.Equal((1, 100, 90, 0.0291), (
            now.GetProperty("users").GetInt32(), now.GetProperty("packets_received").GetInt64(), now.GetProperty("packets_routed").GetInt64(), now.GetProperty("packet_loss").GetDouble()));
        Assert.Equal(1.5, now.GetProperty("latency_ms").GetProperty("p50").GetDouble());
        Assert.Equal(404, (await alice.SendAsync("GET", $"/api/channels/{Guid.NewGuid()}/audio/stats")).Status);

        async Task<JsonElement> StatisticsAsync() => (await alice.SendAsync("GET", $"/api/channels/{channel}/audio/stats")).Body;
    }

    /// <summary>The page and the WebSocket share an address.</summary>
    [Fact]
    public async Task Root_WithoutAnUpgrade_IsNotTheSocket()
    {
        using var answer = await app.Http.GetAsync("/");
        Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound, $"{answer.StatusCode}");
    }

    [Fact]
    public async Task OpenMode_TakesTheUserFromTheRequest()
    {
        await using var open = await OpenChannelsApp.StartAsync();
        var name = $"n{Guid.NewGuid():N}";
        using var made = await open.Http.PostAsJsonAsync("/api/users", new { username = name });
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var id = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
        using var again = await open.Http.PostAsJsonAsync("/api/users", new { username = name });
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);

        await using var client = await ChannelClient.ConnectAsync(open.Http.BaseAddress!);
        await client.SendAsync($$$"""{"Authenticate":{"username":"{{{name}}}"} }""");
        Assert.Equal(id, (await client.NextAsync("Authenticated")).GetProperty("user").GetProperty("id").GetGuid());
        await client.SendAsync("""{"Authenticate":{"username":"another"}}""");
        await client.ErrorAsync("CONFLICT");
    }
}
