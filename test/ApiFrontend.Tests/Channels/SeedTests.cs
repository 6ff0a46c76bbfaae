using System.Text.Json;
using System.Text.Json.Nodes;
using VoiceCluster.ApiFrontend.Tests.Peers;

namespace VoiceCluster.ApiFrontend.Tests.Channels;

/// <summary>
/// The voice chat backend's document: its endpoints and messages in its order and shapes, without a token as it shows them, and then
/// each with one thing wrong.
/// </summary>
public sealed class SeedTests(PeersApp app) : IClassFixture<PeersApp>
{
    private const string User = """{"username":"NAME"}""";
    private const string Channel = """{"name":"general","description":"for all","owner_id":"NAME","max_users":5,"is_private":false}""";
    private const string Member = """{"user_id":"0191e0c0-0000-7000-8000-000000000001","owner_id":"NAME"}""";

    /// <summary>Who asks: the owner, a member, somebody else, and nobody.</summary>
    private static readonly string[] Askers = ["owner", "member", "stranger", ""];

    /// <summary>What each of <see cref="Askers"/> gets. {0} is the channel, {1} who asks, {2} the member's id, {3} another's.</summary>
    private static readonly (string Method, string Path, string? Body, int[] Statuses)[] Rights =
    [
        ("GET", "/api/channels", null, [200, 200, 200, 200]),
        ("GET", "/api/channels/{0}", null, [200, 200, 200, 200]),
        ("GET", "/api/channels/{0}/audio/stats", null, [200, 200, 200, 200]),
        ("GET", "/api/channels/{0}/members", null, [200, 200, 200, 200]),
        ("GET", "/api/audio/config", null, [200, 200, 200, 200]),
        ("PATCH", "/api/channels/{0}", """{"name":"news","owner_id":"{1}"}""", [200, 403, 403, 401]),
        ("POST", "/api/channels/{0}/members", """{"user_id":"{3}","owner_id":"{1}"}""", [201, 403, 403, 401]),
        ("PUT", "/api/channels/{0}/bans/{3}?owner_id={1}", null, [204, 403, 403, 401]),
        ("DELETE", "/api/channels/{0}/bans/{3}?owner_id={1}", null, [204, 403, 403, 401]),
        ("DELETE", "/api/channels/{0}/members/{2}?owner_id={1}", null, [204, 204, 403, 401]),
        ("DELETE", "/api/channels/{0}?owner_id={1}", null, [204, 403, 403, 401]),
    ];

    public static TheoryData<string, string, string, string[]> Bodies => new()
    {
        { "POST", "/api/users", User, [] },
        { "POST", "/api/channels", Channel, ["description", "max_users", "is_private"] },
        { "PATCH", "/api/channels/{0}", Channel, ["name", "description", "max_users", "is_private"] },
        { "POST", "/api/channels/{0}/members", Member, [] },
    };

    public static TheoryData<int> RightsOfUsers => [.. Enumerable.Range(0, Rights.Length)];

    [Fact]
    public async Task Document_InItsOrder_AnswersAsItSays()
    {
        var (alice, bob) = (NewName(), NewName());
        var user = await DoAsync(201, "POST", "/api/users", User.Replace("NAME", alice, StringComparison.Ordinal));
        Assert.Equal(alice, user.GetProperty("username").GetString());
        var id = user.GetProperty("id").GetGuid();
        Assert.Equal(user.ToString(), (await DoAsync(200, "GET", $"/api/users/{id}")).ToString());

        Assert.Equal(JsonValueKind.Array, (await DoAsync(200, "GET", "/api/channels")).ValueKind);
        var channel = await DoAsync(201, "POST", "/api/channels", Channel.Replace("NAME", alice, StringComparison.Ordinal));
        var channelId = channel.GetProperty("id").GetGuid();
        Assert.Equal(("general", id, 5), (channel.GetProperty("name").GetString(), channel.GetProperty("owner_id").GetGuid(), channel.GetProperty("max_users").GetInt32()));
        Assert.Equal("general", (await DoAsync(200, "GET", $"/api/channels/{channelId}")).GetProperty("name").GetString());
        var statistics = await DoAsync(200, "GET", $"/api/channels/{channelId}/audio/stats");
        Assert.Equal((0, 0), (statistics.GetProperty("packets_received").GetInt32(), statistics.GetProperty("packets_routed").GetInt32()));
        var config = await DoAsync(200, "GET", "/api/audio/config");
        Assert.Equal(
            (3002, 48_000, 2, 1_024, 1_500),
            (config.GetProperty("udp_port").GetInt32(), config.GetProperty("sample_rate").GetInt32(), config.GetProperty("channels").GetInt32(), config.GetProperty("buffer_size").GetInt32(), config.GetProperty("max_packet_size").GetInt32()));

        await using var first = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await using var second = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await first.SendAsync($$$"""{"Authenticate": {"username": "{{{alice}}}"}}""");
        Assert.Equal(id, (await first.NextAsync("Authenticated")).GetProperty("user").GetProperty("id").GetGuid());
        await second.SendAsync($$$"""{"Authenticate": {"username": "{{{bob}}}"}}""");
        var other = (await second.NextAsync("Authenticated")).GetProperty("user").GetProperty("id").GetGuid();
        await first.SendAsync($$$"""{"JoinChannel": {"channel_id": "{{{channelId}}}"}}""");
        await first.NextAsync("ChannelJoined");
        await second.SendAsync($$$"""{"JoinChannel": {"channel_id": "{{{channelId}}}"}}""");
        await second.NextAsync("ChannelJoined");

        var joined = await first.NextAsync("UserJoined");
        Assert.Equal(["user", "channel_id"], joined.EnumerateObject().Select(p => p.Name));
        Assert.Equal((other, bob, channelId), (joined.GetProperty("user").GetProperty("id").GetGuid(), joined.GetProperty("user").GetProperty("username").GetString(), joined.GetProperty("channel_id").GetGuid()));
        await second.SendAsync($$$"""{"StartAudio": {"channel_id": "{{{channelId}}}"}}""");
        var started = await first.NextAsync("AudioStarted");
        Assert.Equal((other, channelId), (started.GetProperty("user_id").GetGuid(), started.GetProperty("channel_id").GetGuid()));
        await second.SendAsync($$$"""{"StopAudio": {"channel_id": "{{{channelId}}}"}}""");
        await first.NextAsync("AudioStopped");
        await second.SendAsync($$$"""{"LeaveChannel": {"channel_id": "{{{channelId}}}"}}""");
        var left = await first.NextAsync("UserLeft");
        Assert.Equal((other, channelId), (left.GetProperty("user_id").GetGuid(), left.GetProperty("channel_id").GetGuid()));
        using var health = await app.Http.GetAsync("/health");
        Assert.Equal(200, (int)health.StatusCode);
    }

    /// <summary>No object at all, and each field missing, of each wrong type, and far too long: 400, and the message names the field.</summary>
    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Endpoint_WithEachFieldWrong_NamesTheField(string method, string path, string example, string[] optional)
    {
        var name = NewName();
        var body = example.Replace("NAME", name, StringComparison.Ordinal);
        path = path.Replace("{0}", $"{await ChannelAsync(name)}", StringComparison.Ordinal);
        foreach (var text in (string[])["", "not json", "[]", "\"text\"", "7", "null", "{", "{\"name\":\"\\ud800\"}"])
        {
            await RefusedAsync(text, "");
        }

        foreach (var field in JsonNode.Parse(body)!.AsObject().Select(p => p.Key))
        {
            foreach (var value in (JsonNode?[])
                [
                    null, JsonValue.Create(true), JsonValue.Create(-1.5), JsonValue.Create(""), new JsonObject(), new JsonArray(), JsonValue.Create(new string('x', 300_000)),
                ])
            {
                if (IsSound(field, value))
                {
                    continue;
                }

                var wrong = JsonNode.Parse(body)!.AsObject();
                if (value is null)
                {
                    wrong.Remove(field);
                }
                else
                {
                    wrong[field] = value;
                }

                await RefusedAsync(wrong.ToJsonString(), field);
            }
        }

        bool IsSound(string field, JsonNode? value) => (field, value?.GetValueKind()) switch
        {
            (_, null) => optional.Contains(field),
            ("is_private", JsonValueKind.True) => true,
            ("description", JsonValueKind.String) => value!.GetValue<string>().Length == 0,
            _ => false,
        };

        async Task RefusedAsync(string wrong, string field)
        {
            var (status, answer, _) = await app.AskAsync(method, path, wrong);
            var what = $"{method} {path} {wrong[..Math.Min(200, wrong.Length)]} answered {status}: {answer}";

            // Who asks about what is there already is not known without an owner_id that is one.
            Assert.True(status == (field == "owner_id" && path != "/api/channels" ? 401 : 400), what);
            Assert.NotEmpty(answer.GetProperty("error").GetProperty("code").GetString()!);
            Assert.True(answer.GetProperty("error").GetProperty("message").GetString()!.Contains(field, StringComparison.Ordinal), what);
        }
    }

    [Theory]
    [InlineData("GET", "/api/users/ID")]
    [InlineData("GET", "/api/channels/ID")]
    [InlineData("GET", "/api/channels/ID/audio/stats")]
    [InlineData("GET", "/api/channels/ID/members")]
    [InlineData("PATCH", "/api/channels/ID?owner_id=alice")]
    [InlineData("DELETE", "/api/channels/ID?owner_id=alice")]
    [InlineData("POST", "/api/channels/ID/members?owner_id=alice")]
    [InlineData("DELETE", "/api/channels/ID/members/0191e0c0-0000-7000-8000-000000000001?owner_id=alice")]
    [InlineData("PUT", "/api/channels/ID/bans/0191e0c0-0000-7000-8000-000000000001?owner_id=alice")]
    [InlineData("DELETE", "/api/channels/ID/bans/0191e0c0-0000-7000-8000-000000000001?owner_id=alice")]
    public async Task Id_ThatIsNoneOrOfNothing_IsRefused(string method, string path)
    {
        var body = method is "PATCH" or "POST" ? """{"user_id":"0191e0c0-0000-7000-8000-000000000001"}""" : null;
        foreach (var (id, status) in ((string, int)[])[("general", 400), ("sess_abc123", 400), (new string('0', 2_000), 400), ($"{Guid.NewGuid()}", 404)])
        {
            var error = (await DoAsync(status, method, path.Replace("ID", id, StringComparison.Ordinal), body)).GetProperty("error");
            Assert.NotEmpty(error.GetProperty("message").GetString()!);
            Assert.Equal(status == 400 ? "INVALID_REQUEST" : path.Contains("users", StringComparison.Ordinal) ? "USER_NOT_FOUND" : "CHANNEL_NOT_FOUND", error.GetProperty("code").GetString());
        }
    }

    [Theory]
    [MemberData(nameof(RightsOfUsers))]
    public async Task Endpoint_OfAChannel_AnswersEachUserByItsRights(int row)
    {
        var (method, path, body, statuses) = Rights[row];
        var names = Askers.Select(a => a.Length == 0 ? a : $"{a}-{NewName()}").ToArray();
        var member = await UserAsync(names[1]);
        var other = await UserAsync(NewName());
        foreach (var (asker, status) in names.Zip(statuses))
        {
            var channel = await ChannelAsync(names[0]);
            await DoAsync(201, "POST", $"/api/channels/{channel}/members", $$"""{"user_id":"{{member}}","owner_id":"{{names[0]}}"}""");

            string In(string text) => text
                .Replace("{0}", $"{channel}", StringComparison.Ordinal).Replace("{1}", asker, StringComparison.Ordinal)
                .Replace("{2}", $"{member}", StringComparison.Ordinal).Replace("{3}", $"{other}", StringComparison.Ordinal);
            var answer = await DoAsync(status, method, In(path), body is null ? null : In(body));
            if (status >= 400)
            {
                Assert.Equal(status == 401 ? "UNAUTHENTICATED" : "FORBIDDEN", answer.GetProperty("error").GetProperty("code").GetString());
            }
        }
    }

    /// <summary>Each message of the document with its field wrong: an error, and the connection stays.</summary>
    [Theory]
    [InlineData("JoinChannel", "channel_id", "INVALID_MESSAGE")]
    [InlineData("LeaveChannel", "channel_id", "INVALID_MESSAGE")]
    [InlineData("StartAudio", "channel_id", "INVALID_MESSAGE")]
    [InlineData("StopAudio", "channel_id", "INVALID_MESSAGE")]
    [InlineData("SetVoiceState", "channel_id", "INVALID_MESSAGE")]
    [InlineData("Authenticate", "username", "INVALID_MESSAGE")]
    [InlineData("Authenticate", "token", "UNAUTHENTICATED")]
    [InlineData("JoinChannel", "mode", "INVALID_MESSAGE")]
    [InlineData("SetVoiceState", "mute", "INVALID_MESSAGE")]
    [InlineData("SetVoiceState", "deaf", "INVALID_MESSAGE")]
    public async Task Message_WithItsFieldWrong_GetsAnErrorAndTheConnectionStays(string message, string field, string code)
    {
        var name = NewName();
        var channel = await ChannelAsync(name);
        await using var client = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await client.SendAsync($$$"""{"Authenticate":{"username":"{{{name}}}"}}""");
        await client.NextAsync("Authenticated");
        await client.SendAsync("JoinChannel", channel);
        await client.NextAsync("ChannelJoined");

        // A field that may be absent has the channel beside it.
        var beside = field is "mode" or "mute" or "deaf" ? $"\"channel_id\":\"{channel}\"," : "";
        foreach (var value in (string[])["-1.5", "\"\"", "{}", "[]", "\"two words\"", $"\"{new string('x', 9_000)}\""])
        {
            await client.SendAsync($$$"""{"{{{message}}}":{{{{beside}}}"{{{field}}}":{{{value}}}}}""");
            await client.ErrorAsync(code);
        }

        foreach (var body in (string[])["{}", "null", "7", "[]", "\"text\""])
        {
            await client.SendAsync($$"""{"{{message}}":{{body}}}""");
            await client.ErrorAsync("INVALID_MESSAGE");
        }

        await client.SendAsync("\"Ping\"");
        await client.NextAsync("Pong");
    }

    private static string NewName() => $"u{Guid.NewGuid():N}"[..24];

    private async Task<Guid> UserAsync(string name) =>
        (await DoAsync(201, "POST", "/api/users", User.Replace("NAME", name, StringComparison.Ordinal))).GetProperty("id").GetGuid();

    private async Task<Guid> ChannelAsync(string owner) =>
        (await DoAsync(201, "POST", "/api/channels", Channel.Replace("NAME", owner, StringComparison.Ordinal))).GetProperty("id").GetGuid();

    private async Task<JsonElement> DoAsync(int status, string method, string path, string? body = null)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        request.Content = body is null ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var answer = await app.Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, $"{method} {path} answered {answer.StatusCode}: {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }
}
