using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace VoiceCluster.ApiFrontend.Tests.Calls;

public sealed class CallsRestTests(CallsApp app) : IClassFixture<CallsApp>
{
    [Fact]
    public async Task Calls_WholeLifeOverRest_AnswersEachState()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var chat = await alice.ChatAsync(bob);

        var (status, call) = await alice.CallAsync(chat, bob.Id, "video");
        Assert.Equal(201, status);
        Assert.Equal("ringing", call.GetProperty("status").GetString());
        Assert.Equal("video", call.GetProperty("call_type").GetString());
        Assert.Equal((alice.Id, bob.Id, chat), (call.GetProperty("caller_id").GetGuid(), call.GetProperty("recipient_id").GetGuid(), call.GetProperty("chat_id").GetGuid()));
        Assert.Equal(TimeSpan.FromSeconds(20), call.GetProperty("expires_at").GetDateTime() - call.GetProperty("created_at").GetDateTime());
        var path = $"/api/v1/calls/{call.GetProperty("id").GetGuid()}";

        var accepted = await bob.SendAsync("PATCH", path, """{"accept":true}""");
        Assert.Equal((200, "accepted"), (accepted.Status, accepted.Body.GetProperty("status").GetString()));
        var ended = await alice.SendAsync("DELETE", path);
        Assert.Equal((200, "ended"), (ended.Status, ended.Body.GetProperty("status").GetString()));
        Assert.Equal("hung_up", ended.Body.GetProperty("end_reason").GetString());
        Assert.Equal(200, (await bob.SendAsync("DELETE", path)).Status);

        var (_, history) = await bob.SendAsync("GET", $"/api/v1/calls?chat_id={chat}");
        Assert.Equal(call.GetProperty("id").GetGuid(), Assert.Single(history.GetProperty("calls").EnumerateArray()).GetProperty("id").GetGuid());
    }

    [Fact]
    public async Task Accept_FiftyAtOnce_OneGets200AndTheOthers409()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var (_, call) = await alice.CallAsync(await alice.ChatAsync(bob), bob.Id);
        var path = $"/api/v1/calls/{call.GetProperty("id").GetGuid()}";

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => bob.SendAsync("PATCH", path, """{"accept":true}""")));

        Assert.Single(answers, a => a.Status == 200);
        Assert.All(answers.Where(a => a.Status != 200), a => Assert.Equal((409, "CALL_ANSWERED"), (a.Status, Code(a.Body))));
        await alice.SendAsync("DELETE", path);
    }

    [Fact]
    public async Task Start_CallerInACall_Is409WithItsId()
    {
        var (alice, bob, carol) = (await app.UserAsync(), await app.UserAsync(), await app.UserAsync());
        var (_, call) = await alice.CallAsync(await alice.ChatAsync(bob), bob.Id);

        var (status, body) = await alice.CallAsync(await alice.ChatAsync(carol), carol.Id);

        Assert.Equal((409, "ACTIVE_CALL_EXISTS"), (status, Code(body)));
        Assert.Equal(call.GetProperty("id").GetGuid(), body.GetProperty("call_id").GetGuid());
    }

    [Fact]
    public async Task Start_CalleeInACall_Is201Busy()
    {
        var (alice, bob, carol) = (await app.UserAsync(), await app.UserAsync(), await app.UserAsync());
        await alice.CallAsync(await alice.ChatAsync(bob), bob.Id);

        var (status, body) = await carol.CallAsync(await carol.ChatAsync(bob), bob.Id);

        Assert.Equal((201, "busy"), (status, body.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task Accept_RejectedCall_Is410()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var (_, call) = await alice.CallAsync(await alice.ChatAsync(bob), bob.Id);
        var path = $"/api/v1/calls/{call.GetProperty("id").GetGuid()}";

        var rejected = await bob.SendAsync("PATCH", path, """{"accept":false}""");
        var late = await bob.SendAsync("PATCH", path, """{"accept":true}""");

        Assert.Equal((200, "rejected"), (rejected.Status, rejected.Body.GetProperty("status").GetString()));
        Assert.Equal((410, "CALL_EXPIRED"), (late.Status, Code(late.Body)));
    }

    [Fact]
    public async Task Accept_AfterTheRingTime_Is410()
    {
        CallsApp own = new(("Calls:RingTimeout", "00:00:01"));
        await own.InitializeAsync();
        var (alice, bob) = (await own.UserAsync(), await own.UserAsync());
        var chat = await alice.ChatAsync(bob);
        var (_, call) = await alice.CallAsync(chat, bob.Id);
        await Eventually.TrueAsync(
            async () => (await alice.SendAsync("GET", $"/api/v1/calls?chat_id={chat}")).Body.GetProperty("calls")[0].GetProperty("status").GetString() == "missed",
            "the ring time is over");

        var (status, body) = await bob.SendAsync("PATCH", $"/api/v1/calls/{call.GetProperty("id").GetGuid()}", """{"accept":true}""");

        Assert.Equal((410, "CALL_EXPIRED"), (status, Code(body)));
        await own.DisposeAsync();
    }

    [Fact]
    public async Task Start_ChatHasACall_Is409WithItsId()
    {
        var (alice, bob, carol) = (await app.UserAsync(), await app.UserAsync(), await app.UserAsync());
        var chat = await alice.ChatAsync(bob, carol);
        var (_, call) = await alice.CallAsync(chat, bob.Id);

        var (status, body) = await carol.CallAsync(chat, bob.Id);

        Assert.Equal((409, "ACTIVE_CALL_EXISTS"), (status, Code(body)));
        Assert.Equal(call.GetProperty("id").GetGuid(), body.GetProperty("call_id").GetGuid());
    }

    [Fact]
    public async Task History_PageByPage_ReachesTheFirstCall()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var chat = await alice.ChatAsync(bob);
        List<Guid> started = [];
        for (var i = 0; i < 7; i++)
        {
            var (_, call) = await alice.CallAsync(chat, bob.Id);
            started.Insert(0, call.GetProperty("id").GetGuid());
            await alice.SendAsync("DELETE", $"/api/v1/calls/{started[0]}");
        }

        List<Guid> read = [];
        var before = "";
        while (true)
        {
            var (status, page) = await bob.SendAsync("GET", $"/api/v1/calls?chat_id={chat}&limit=3{before}");
            Assert.Equal(200, status);
            read.AddRange(page.GetProperty("calls").EnumerateArray().Select(c => c.GetProperty("id").GetGuid()));
            if (!page.GetProperty("has_more").GetBoolean())
            {
                break;
            }

            before = $"&before={page.GetProperty("next_before").GetGuid()}";
        }

        Assert.Equal(started, read);
        var unknown = await bob.SendAsync("GET", $"/api/v1/calls?chat_id={chat}&before={Guid.NewGuid()}");
        Assert.Equal((400, "INVALID_REQUEST"), (unknown.Status, Code(unknown.Body)));
    }

    [Fact]
    public async Task AnyRoute_ByAStranger_IsRefused()
    {
        var (alice, bob, eve) = (await app.UserAsync(), await app.UserAsync(), await app.UserAsync());
        var chat = await alice.ChatAsync(bob);
        var (_, call) = await alice.CallAsync(chat, bob.Id);
        var path = $"/api/v1/calls/{call.GetProperty("id").GetGuid()}";

        Assert.Equal(403, (await eve.SendAsync("GET", path)).Status);
        Assert.Equal(403, (await eve.SendAsync("PATCH", path, """{"accept":true}""")).Status);
        Assert.Equal(403, (await alice.SendAsync("PATCH", path, """{"accept":true}""")).Status);
        Assert.Equal(403, (await eve.SendAsync("DELETE", path)).Status);
        Assert.Equal(403, (await eve.SendAsync("GET", $"/api/v1/calls?chat_id={chat}")).Status);
        Assert.Equal(403, (await eve.SendAsync("GET", $"/api/v1/chats/{chat}")).Status);
        var (status, body) = await eve.CallAsync(chat, bob.Id);
        Assert.Equal((403, "NOT_A_MEMBER"), (status, Code(body)));
        Assert.Equal("ringing", (await alice.SendAsync("GET", path)).Body.GetProperty("status").GetString());
    }

    [Theory]
    [InlineData("GET", "/api/v1/calls/x", null, 400, "INVALID_CALL_ID")]
    [InlineData("DELETE", "/api/v1/calls/123", null, 400, "INVALID_CALL_ID")]
    [InlineData("PATCH", "/api/v1/calls/x", "{}", 400, "INVALID_CALL_ID")]
    [InlineData("GET", "/api/v1/calls/00000000-0000-0000-0000-000000000001", null, 404, "CALL_NOT_FOUND")]
    [InlineData("PATCH", "/api/v1/calls/00000000-0000-0000-0000-000000000001", """{"accept":true}""", 404, "CALL_NOT_FOUND")]
    [InlineData("PATCH", "/api/v1/calls/00000000-0000-0000-0000-000000000001", """{"accept":"yes"}""", 400, "INVALID_REQUEST")]
    [InlineData("PATCH", "/api/v1/calls/00000000-0000-0000-0000-000000000001", "[]", 400, "INVALID_REQUEST")]
    [InlineData("DELETE", "/api/v1/calls/00000000-0000-0000-0000-000000000001", null, 404, "CALL_NOT_FOUND")]
    [InlineData("GET", "/api/v1/calls", null, 400, "INVALID_REQUEST")]
    [InlineData("GET", "/api/v1/calls?chat_id=00000000-0000-0000-0000-000000000001", null, 403, "NOT_A_MEMBER")]
    [InlineData("GET", "/api/v1/calls?chat_id=00000000-0000-0000-0000-000000000001&limit=x", null, 400, "INVALID_REQUEST")]
    [InlineData("GET", "/api/v1/calls?chat_id=00000000-0000-0000-0000-000000000001&before=x", null, 400, "INVALID_REQUEST")]
    [InlineData("POST", "/api/v1/calls", "", 400, "INVALID_REQUEST")]
    [InlineData("POST", "/api/v1/calls", "{", 400, "INVALID_REQUEST")]
    [InlineData("POST", "/api/v1/calls", """{"chat_id":1,"recipient_id":2,"call_type":3}""", 400, "INVALID_REQUEST")]
    [InlineData("POST", "/api/v1/calls", """{"chat_id":"chat-uuid","recipient_id":"recipient-uuid","call_type":"voice"}""", 400, "INVALID_REQUEST")]
    [InlineData("POST", "/api/v1/calls", """{"a":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}""", 400, "INVALID_REQUEST")]
    [InlineData("POST", "/api/v1/chats", """{"member_ids":[]}""", 400, "INVALID_REQUEST")]
    [InlineData("POST", "/api/v1/chats", """{"member_ids":["x"]}""", 400, "INVALID_REQUEST")]
    [InlineData("GET", "/api/v1/chats/x", null, 400, "INVALID_REQUEST")]
    [InlineData("GET", "/api/v1/ws", null, 426, "WEBSOCKET_REQUIRED")]
    public async Task AnyRoute_BadRequest_IsAClearErrorInThisDoorsShape(string method, string path, string? body, int status, string code)
    {
        var answer = await (await app.UserAsync()).SendAsync(method, path, body);

        Assert.Equal((status, code), (answer.Status, Code(answer.Body)));
        Assert.NotEmpty(answer.Body.GetProperty("error").GetProperty("message").GetString()!);
    }

    [Fact]
    public async Task Start_BodyOverTheLimit_Is413()
    {
        var user = await app.UserAsync();

        var (status, body) = await user.SendAsync("POST", "/api/v1/calls", $$"""{"a":"{{new string('x', 2 << 20)}}"}""");

        Assert.Equal((413, "REQUEST_TOO_LARGE"), (status, Code(body)));
    }

    [Fact]
    public async Task AnyRoute_NoToken_Is401()
    {
        foreach (var (method, path) in new[] { ("POST", "calls"), ("GET", "calls"), ("GET", "calls/x"), ("PATCH", "calls/x"), ("DELETE", "calls/x"), ("GET", "calls/ice-servers"), ("POST", "chats"), ("GET", "chats/x"), ("GET", "ws") })
        {
            using HttpRequestMessage request = new(new HttpMethod(method), $"/api/v1/{path}");
            using var answer = await app.Http.SendAsync(request);
            Assert.Equal(401, (int)answer.StatusCode);
        }
    }

    [Fact]
    public async Task IceServers_WithASecret_GiveCoturnCredentials()
    {
        var user = await app.UserAsync();

        var (status, body) = await user.SendAsync("GET", "/api/v1/calls/ice-servers");

        Assert.Equal(200, status);
        var servers = body.GetProperty("iceServers").EnumerateArray().ToArray();
        Assert.Equal("turn:turn.example.com:3478?transport=udp", servers[0].GetProperty("urls")[0].GetString());
        var username = servers[0].GetProperty("username").GetString()!;
        Assert.EndsWith($":{user.Id}", username, StringComparison.Ordinal);
        Assert.Equal(
            Convert.ToBase64String(HMACSHA1.HashData(Encoding.UTF8.GetBytes("shared"), Encoding.UTF8.GetBytes(username))),
            servers[0].GetProperty("credential").GetString());
        Assert.False(servers[1].TryGetProperty("username", out _));
    }

    private static string? Code(JsonElement body) => body.GetProperty("error").GetProperty("code").GetString();
}
