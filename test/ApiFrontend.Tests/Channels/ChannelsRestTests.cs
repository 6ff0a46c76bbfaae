using System.Net.Http.Json;
using System.Text.Json;
using VoiceCluster.ApiFrontend.Tests.Voice;

namespace VoiceCluster.ApiFrontend.Tests.Channels;

public sealed class ChannelsRestTests(VoiceApp app) : IClassFixture<VoiceApp>
{
    [Fact]
    public async Task Channel_FromItsMakingToItsEnd_IsShownAsItIs()
    {
        var alice = await app.UserAsync();

        var (status, made) = await alice.SendAsync("POST", "/api/channels", new { name = "general", description = "for all", max_users = 5 });
        Assert.Equal(201, status);
        var id = made.GetProperty("id").GetGuid();
        Assert.Equal(
            ("general", "for all", alice.Id, 5, 0),
            (made.GetProperty("name").GetString(), made.GetProperty("description").GetString(), made.GetProperty("owner_id").GetGuid(), made.GetProperty("max_users").GetInt32(), made.GetProperty("user_count").GetInt32()));

        await alice.JoinAsync(id);
        var (_, read) = await alice.SendAsync("GET", $"/api/channels/{id}");
        Assert.Equal(1, read.GetProperty("user_count").GetInt32());
        var (_, list) = await alice.SendAsync("GET", $"/api/channels?owner_id={alice.Id}");
        Assert.Equal([id], list.EnumerateArray().Select(c => c.GetProperty("id").GetGuid()));
        var (_, all) = await alice.SendAsync("GET", "/api/channels");
        Assert.Contains(id, all.EnumerateArray().Select(c => c.GetProperty("id").GetGuid()));

        var (_, changed) = await alice.SendAsync("PATCH", $"/api/channels/{id}", new { name = "news" });
        Assert.Equal(("news", 5), (changed.GetProperty("name").GetString(), changed.GetProperty("max_users").GetInt32()));
        Assert.Equal(204, (await alice.SendAsync("DELETE", $"/api/channels/{id}")).Status);
        Assert.Equal(404, (await alice.SendAsync("GET", $"/api/channels/{id}")).Status);
    }

    [Fact]
    public async Task Channel_OfAnother_IsNotChanged()
    {
        var (alice, mallory) = (await app.UserAsync(), await app.UserAsync());
        var id = await alice.ChannelAsync();

        Assert.Equal(403, (await mallory.SendAsync("PATCH", $"/api/channels/{id}", new { name = "mine" })).Status);
        Assert.Equal(403, (await mallory.SendAsync("DELETE", $"/api/channels/{id}")).Status);
        Assert.Equal(403, (await mallory.SendAsync("PUT", $"/api/channels/{id}/bans/{alice.Id}")).Status);
        Assert.Equal(403, (await mallory.SendAsync("DELETE", $"/api/channels/{id}/bans/{alice.Id}")).Status);

        // What the body says about the caller does not count beside a token.
        Assert.Equal(403, (await mallory.SendAsync("PATCH", $"/api/channels/{id}", new { name = "mine", owner_id = alice.Id })).Status);
        Assert.Equal("general", (await alice.SendAsync("GET", $"/api/channels/{id}")).Body.GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("POST", "/api/channels", "[]", 400)]
    [InlineData("POST", "/api/channels", "{}", 400)]
    [InlineData("POST", "/api/channels", """{"name":7}""", 400)]
    [InlineData("POST", "/api/channels", """{"name":""}""", 400)]
    [InlineData("POST", "/api/channels", """{"name":"x","max_users":0}""", 400)]
    [InlineData("POST", "/api/channels", """{"name":"x","max_users":1.5}""", 400)]
    [InlineData("POST", "/api/channels", """{"name":"x","max_users":"many"}""", 400)]
    [InlineData("POST", "/api/channels", """{"name":"x","description":{}}""", 400)]
    [InlineData("GET", "/api/channels?owner_id=me", null, 400)]
    [InlineData("GET", "/api/channels/general", null, 400)]
    [InlineData("GET", "/api/channels/00000000-0000-4000-8000-000000000000", null, 404)]
    [InlineData("PATCH", "/api/channels/00000000-0000-4000-8000-000000000000", "{}", 404)]
    [InlineData("DELETE", "/api/channels/00000000-0000-4000-8000-000000000000", null, 404)]
    [InlineData("PUT", "/api/channels/00000000-0000-4000-8000-000000000000/bans/00000000-0000-4000-8000-000000000000", null, 404)]
    [InlineData("PUT", "/api/channels/00000000-0000-4000-8000-000000000000/bans/bob", null, 400)]
    public async Task Request_ThatIsWrong_SaysWhy(string method, string path, string? body, int status)
    {
        var (answered, error) = await (await app.UserAsync()).SendAsync(method, path, body);

        Assert.Equal(status, answered);
        Assert.NotEmpty(error.GetProperty("error").GetProperty("message").GetString()!);
    }

    [Fact]
    public async Task Request_WithoutAToken_IsRefusedUnlessOpen()
    {
        using var answer = await app.Http.PostAsJsonAsync("/api/channels", new { name = "x", owner_id = Guid.NewGuid() });

        Assert.Equal(401, (int)answer.StatusCode);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.NotEmpty(body.GetProperty("error").GetProperty("code").GetString()!);
    }
}
