using System.Text.Json;

namespace VoiceCluster.ApiFrontend.Tests.Peers;

public sealed class ChatTests(PeersApp app) : IClassFixture<PeersApp>
{
    [Fact]
    public async Task Session_OfOthers_IsForbiddenToReadWriteAndReact()
    {
        var session = await SessionAsync("ann", "bob");
        var message = await SendAsync(session, "ann", "hi");

        await app.PostAsync("/chat/message", new { sessionId = session, senderId = "eve", message = "let me in" }, 403);
        await app.PostAsync("/chat/reaction", new { sessionId = session, messageId = message, reaction = new { type = "x", userId = "eve" } }, 403);
        await app.PostAsync("/chat/attachment", new { sessionId = session, messageId = message, userId = "eve", attachment = new { type = "f", url = "https://e.com/" } }, 403);
        await app.DoAsync(403, "GET", $"/chat/messages/{session}?userID=eve");
        await app.DoAsync(403, "GET", $"/chat/usage/{session}?userId=eve");
        await app.PostAsync("/chat/join", new { sessionId = session, userId = "eve", participantId = "eve" }, 403);
        await app.PostAsync("/chat/message", new { sessionId = session, senderId = "ann", receiverId = "eve", message = "psst" }, 400);
        Assert.Single((await app.DoAsync(200, "GET", $"/chat/messages/{session}?userID=bob")).EnumerateArray());
    }

    [Fact]
    public async Task Session_PastItsDuration_IsGone()
    {
        var session = (await app.PostAsync("/chat/session", new { creatorId = "ann", participants = new[] { "bob" }, duration = 1_500_000_000L }))
            .GetProperty("id").GetString()!;
        await SendAsync(session, "ann", "soon over");

        await Eventually.TrueAsync(
            async () => (await app.AskAsync("GET", $"/chat/messages/{session}")).Status == 410, "the session is over");
        await app.PostAsync("/chat/message", new { sessionId = session, senderId = "ann", message = "late" }, 410);
        await app.DoAsync(410, "GET", $"/chat/usage/{session}");
    }

    [Fact]
    public async Task Reaction_Repeated_CountsOnceAndIsRemovedOnce()
    {
        var session = await SessionAsync("ann", "bob");
        var message = await SendAsync(session, "ann", "hi");
        object Reaction(string user, string type) => new { sessionId = session, messageId = message, reaction = new { type, userId = user } };

        await app.PostAsync("/chat/reaction", Reaction("bob", "👍"));
        await app.PostAsync("/chat/reaction", Reaction("bob", "👍"));
        await app.PostAsync("/chat/reaction", Reaction("bob", "raise_hand"));
        var after = await app.PostAsync("/chat/reaction", Reaction("ann", "👍"));
        Assert.Equal(["👍 bob", "raise_hand bob", "👍 ann"], ReactionsOf(after));

        await app.DoAsync(200, "DELETE", "/chat/reaction", Reaction("bob", "👍"));
        after = await app.DoAsync(200, "DELETE", "/chat/reaction", Reaction("bob", "👍"));
        Assert.Equal(["raise_hand bob", "👍 ann"], ReactionsOf(after));
        Assert.Equal(2, (await app.DoAsync(200, "GET", $"/chat/usage/{session}")).GetProperty("reactions").GetInt32());
        await app.PostAsync("/chat/reaction", new { sessionId = session, messageId = $"msg_{Guid.NewGuid():N}", reaction = new { type = "x", userId = "bob" } }, 404);
    }

    [Fact]
    public async Task Message_WithAnIdOfItsSender_IsStoredOnce()
    {
        var session = await SessionAsync("ann", "bob");
        var id = $"msg_{Guid.NewGuid():N}";
        object Message(string sender) => new { sessionId = session, senderId = sender, message = "once", messageId = id };

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => app.PostAsync("/chat/message", Message("ann"))));
        await app.PostAsync("/chat/message", Message("bob"), 409);

        Assert.All(answers, a => Assert.Equal((id, 1), (a.GetProperty("id").GetString(), a.GetProperty("position").GetInt32())));
        Assert.Single((await app.DoAsync(200, "GET", $"/chat/messages/{session}")).EnumerateArray());
    }

    [Fact]
    public async Task Messages_PageByPage_ComeInTheirOrder()
    {
        var session = await SessionAsync("ann", "bob");
        for (var i = 0; i < 7; i++)
        {
            await SendAsync(session, i % 2 == 0 ? "ann" : "bob", $"{i}");
        }

        var (_, newest, headers) = await app.AskAsync("GET", $"/chat/messages/{session}?limit=3");
        Assert.Equal(["4", "5", "6"], Texts(newest.GetProperty("data")));
        Assert.Equal("true", headers.GetValues("X-Has-More").Single());
        var cursor = newest.GetProperty("data")[0].GetProperty("id").GetString();
        var before = await app.DoAsync(200, "GET", $"/chat/messages/{session}?limit=3&before={cursor}");
        Assert.Equal(["1", "2", "3"], Texts(before));
        (_, var first, headers) = await app.AskAsync("GET", $"/chat/messages/{session}?limit=3&before={before[0].GetProperty("id").GetString()}");
        Assert.Equal(["0"], Texts(first.GetProperty("data")));
        Assert.Equal("false", headers.GetValues("X-Has-More").Single());
        Assert.Equal(["5", "6"], Texts(await app.DoAsync(200, "GET", $"/chat/messages/{session}?after={cursor}")));

        foreach (var wrong in new[] { "limit=0", "limit=501", "limit=-1", "limit=x", "limit=99999999999", "before=7", $"before=msg_{Guid.NewGuid():N}", $"before={cursor}&after={cursor}" })
        {
            await app.DoAsync(400, "GET", $"/chat/messages/{session}?{wrong}");
        }
    }

    [Fact]
    public async Task Notifications_OfAParticipant_TellEverythingInOrder()
    {
        await using var bob = await app.ConnectAsync("/chat/notifications?userID=bob-hears");
        await bob.NextAsync("ready");
        var session = (await app.PostAsync("/chat/session", new { creatorId = "ann", participants = new[] { "bob-hears" }, isGroup = true })).GetProperty("id").GetString()!;
        var message = await SendAsync(session, "ann", "hi");
        await app.PostAsync("/chat/attachment", new { sessionId = session, messageId = message, attachment = new { type = "file", url = "https://example.com/a", name = "a" } });
        await app.PostAsync("/chat/reaction", new { sessionId = session, messageId = message, reaction = new { type = "👍", userId = "bob-hears" } });
        await app.PostAsync("/chat/reaction", new { sessionId = session, messageId = message, reaction = new { type = "👍", userId = "bob-hears" } });
        await app.PostAsync("/chat/join", new { sessionId = session, userId = "ann", participantId = "carol" });
        await SendAsync(session, "carol", "me too");

        string[] types = ["session", "message", "attachment", "reaction", "participant", "message"];
        foreach (var type in types)
        {
            var told = await bob.NextAsync();
            Assert.Equal((type, session), (told.GetProperty("type").GetString(), told.GetProperty("sessionId").GetString()));
        }

        await bob.SendAsync("""{"type":"ping"}""");
        Assert.Equal("pong", (await bob.NextAsync()).GetProperty("type").GetString());
        await bob.SendAsync("nonsense");
        Assert.Equal("error", (await bob.NextAsync()).GetProperty("type").GetString());
    }

    [Fact]
    public async Task Messages_AfterARestart_AreAsTheyWere()
    {
        PeersApp own = new();
        await own.InitializeAsync();
        try
        {
            var session = (await own.PostAsync("/chat/session", new { creatorId = "ann", participants = new[] { "bob" } })).GetProperty("id").GetString()!;
            await Task.WhenAll(Enumerable.Range(0, 50).Select(i => own.PostAsync("/chat/message", new { sessionId = session, senderId = "ann", message = $"{i}" })));
            var before = await own.DoAsync(200, "GET", $"/chat/messages/{session}");

            await own.RestartAsync();

            Assert.Equal(before.ToString(), (await own.DoAsync(200, "GET", $"/chat/messages/{session}")).ToString());
            var next = await own.PostAsync("/chat/message", new { sessionId = session, senderId = "bob", message = "still here" });
            Assert.Equal(51, next.GetProperty("position").GetInt32());
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task Requests_PastTheLimit_Get429WithRetryAfterInTheEnvelope()
    {
        PeersApp own = new(("RateLimit:Enabled", "true"), ("RateLimit:AddressBurst", "3"), ("RateLimit:AddressPerSecond", "1"));
        await own.InitializeAsync();
        try
        {
            (int Status, JsonElement Body, System.Net.Http.Headers.HttpResponseHeaders Headers) answer = default;
            for (var i = 0; i < 20 && answer.Status != 429; i++)
            {
                answer = await own.AskAsync("GET", "/chat/usage/sess_x");
            }

            Assert.Equal((429, 429), (answer.Status, answer.Body.GetProperty("status").GetInt32()));
            Assert.True(answer.Headers!.RetryAfter!.Delta >= TimeSpan.FromSeconds(1));
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task Identity_InRequiredMode_IsTheTokens()
    {
        PeersApp own = new(("Auth:Mode", "Required"), ("Auth:DevTokens", "true"));
        await own.InitializeAsync();
        try
        {
            var ann = (await own.AskAsync("POST", "/api/v1/auth/token", """{"username":"ann"}""")).Body.GetProperty("token").GetString();
            object body = new { creatorId = "ann", participants = new[] { "bob" } };
            await own.DoAsync(401, "POST", "/chat/session", body);
            await own.DoAsync(401, "POST", "/offer?peerID=P", body);
            await own.DoAsync(401, "POST", "/chat/session", body, "not a token");
            var session = (await own.DoAsync(200, "POST", "/chat/session", body, ann)).GetProperty("id").GetString();
            await own.DoAsync(403, "POST", "/chat/session", new { creatorId = "bob", participants = new[] { "ann" } }, ann);
            await own.DoAsync(200, "POST", "/chat/message", new { sessionId = session, message = "mine" }, ann);
            await own.DoAsync(403, "POST", "/chat/message", new { sessionId = session, senderId = "bob", message = "not mine" }, ann);
            await own.DoAsync(401, "GET", $"/chat/messages/{session}");
            await own.DoAsync(200, "GET", $"/chat/messages/{session}", null, ann);
            await using var socket = await own.ConnectAsync($"/chat/notifications?token={ann}");
            await socket.NextAsync("ready");
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    private static IEnumerable<string> ReactionsOf(JsonElement message) => message.GetProperty("reactions").EnumerateArray()
        .Select(r => $"{r.GetProperty("type").GetString()} {r.GetProperty("userId").GetString()}");

    private static IEnumerable<string?> Texts(JsonElement messages) => messages.EnumerateArray().Select(m => m.GetProperty("message").GetString());

    private async Task<string> SessionAsync(string creator, params string[] others) =>
        (await app.PostAsync("/chat/session", new { creatorId = creator, participants = others })).GetProperty("id").GetString()!;

    private async Task<string> SendAsync(string session, string sender, string text) =>
        (await app.PostAsync("/chat/message", new { sessionId = session, senderId = sender, message = text })).GetProperty("id").GetString()!;
}
