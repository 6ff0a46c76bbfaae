using System.Text.Json;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.ApiFrontend.Tests.Voice;

public sealed class VoiceRestTests(VoiceApp app) : IClassFixture<VoiceApp>
{
    [Fact]
    public async Task Join_AChannel_AnswersAsTheServiceIsDescribed()
    {
        var alice = await app.UserAsync();
        var channel = await alice.ChannelAsync();

        var (status, body) = await alice.SendAsync("POST", "/voice/join", new { channel_id = channel, mute = true, deaf = false });

        Assert.Equal(200, status);
        Assert.NotEqual(Guid.Empty, body.GetProperty("session_id").GetGuid());
        Assert.Equal("192.0.2.7:10001", body.GetProperty("server_endpoint").GetString());
        Assert.True(body.GetProperty("mute").GetBoolean());
        var turn = body.GetProperty("ice_servers")[0];
        Assert.Equal("turn:turn.example.com:3478", turn.GetProperty("urls")[0].GetString());
        Assert.Equal(("discord", "discord_turn_password"), (turn.GetProperty("username").GetString(), turn.GetProperty("credential").GetString()));
        var candidate = body.GetProperty("ice_candidates")[0];
        Assert.Equal("candidate:udp0 1 udp 2130706431 192.0.2.7 10001 typ host", candidate.GetProperty("candidate").GetString());
        Assert.Equal(0, candidate.GetProperty("sdpMLineIndex").GetInt32());
    }

    [Theory]
    [InlineData("not json", 400, "INVALID_REQUEST")]
    [InlineData("[]", 400, "INVALID_REQUEST")]
    [InlineData("{}", 400, "INVALID_REQUEST")]
    [InlineData("""{"channel_id":7}""", 400, "INVALID_REQUEST")]
    [InlineData("""{"channel_id":"general"}""", 400, "INVALID_REQUEST")]
    [InlineData("""{"channel_id":"00000000-0000-4000-8000-000000000000","mute":"yes"}""", 400, "INVALID_REQUEST")]
    [InlineData("""{"channel_id":"00000000-0000-4000-8000-000000000000"}""", 404, "CHANNEL_NOT_FOUND")]
    [InlineData("""{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}}""", 400, "INVALID_REQUEST")]
    public async Task Join_ThatCannotBe_SaysWhy(string body, int status, string code) =>
        AssertError(await (await app.UserAsync()).SendAsync("POST", "/voice/join", body), status, code);

    [Fact]
    public async Task Join_AFullChannel_IsConflictAndABannedUserForbidden()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var channel = await alice.ChannelAsync(maxUsers: 1);
        await alice.JoinAsync(channel);

        AssertError(await bob.SendAsync("POST", "/voice/join", new { channel_id = channel }), 409, "CHANNEL_FULL");
        Assert.Equal(204, (await alice.SendAsync("PUT", $"/api/channels/{channel}/bans/{bob.Id}")).Status);
        AssertError(await bob.SendAsync("POST", "/voice/join", new { channel_id = channel }), 403, "BANNED");
    }

    [Fact]
    public async Task Join_Again_EndsTheOldSession()
    {
        var alice = await app.UserAsync();
        var channel = await alice.ChannelAsync();
        var first = await alice.JoinAsync(channel);

        var second = await alice.JoinAsync(channel);

        AssertError(await alice.SendAsync("PATCH", "/voice/state", new { session_id = first, mute = true }), 404, "SESSION_NOT_FOUND");
        Assert.Equal(200, (await alice.SendAsync("PATCH", "/voice/state", new { session_id = second, mute = true })).Status);
    }

    [Theory]
    [InlineData(typeof(IRoomGrain), nameof(IRoomGrain.JoinAsync), false)]
    [InlineData(typeof(IRoomGrain), nameof(IRoomGrain.JoinAsync), true)]
    [InlineData(typeof(IRoomGrain), nameof(IRoomGrain.CreateTransportAsync), true)]
    [InlineData(typeof(IVoiceSessionGrain), nameof(IVoiceSessionGrain.JoinAsync), false)]
    [InlineData(typeof(IVoiceSessionGrain), nameof(IVoiceSessionGrain.JoinAsync), true)]
    [InlineData(typeof(IVoiceUserGrain), nameof(IVoiceUserGrain.JoinAsync), true)]
    public async Task Join_SiloIsLostBeforeItAnswers_IsAskedOfTheNextAndJoinsOnce(Type grain, string method, bool hasRun)
    {
        var alice = await app.UserAsync();
        var channel = await alice.ChannelAsync();
        app.Losses.Lose(grain, method, hasRun, times: 2);

        var session = await alice.JoinAsync(channel);

        Assert.True(app.Losses.IsOver);
        var room = await app.Grains.GetGrain<IRoomGrain>(ChannelInfo.RoomOf(channel)).GetSnapshotAsync();
        Assert.Equal(session.ToString("D"), Assert.Single(room.Participants).ParticipantId);
        Assert.Equal(200, (await alice.SendAsync("PATCH", "/voice/state", new { session_id = session, mute = true })).Status);
        Assert.Equal(204, (await alice.SendAsync("POST", "/voice/leave", new { session_id = session })).Status);
    }

    [Fact]
    public async Task State_OfASession_IsSetInPart()
    {
        var alice = await app.UserAsync();
        var session = await alice.JoinAsync(await alice.ChannelAsync());

        var (status, body) = await alice.SendAsync("PATCH", "/voice/state", new { session_id = session, mute = true, deaf = false });
        Assert.Equal((200, true, false), (status, body.GetProperty("mute").GetBoolean(), body.GetProperty("deaf").GetBoolean()));
        (status, body) = await alice.SendAsync("PATCH", "/voice/state", new { session_id = session, deaf = true });
        Assert.Equal((200, true, true), (status, body.GetProperty("mute").GetBoolean(), body.GetProperty("deaf").GetBoolean()));
        AssertError(await alice.SendAsync("PATCH", "/voice/state", new { session_id = session }), 400, "INVALID_REQUEST");
        AssertError(await alice.SendAsync("PATCH", "/voice/state", new { session_id = session, mute = 1 }), 400, "INVALID_REQUEST");
    }

    [Fact]
    public async Task Leave_ASession_IsNoContentAndThenNotFound()
    {
        var alice = await app.UserAsync();
        var session = await alice.JoinAsync(await alice.ChannelAsync());

        Assert.Equal(204, (await alice.SendAsync("POST", "/voice/leave", new { session_id = session })).Status);

        AssertError(await alice.SendAsync("POST", "/voice/leave", new { session_id = session }), 404, "SESSION_NOT_FOUND");
    }

    [Fact]
    public async Task Requests_ForTheSessionOfAnother_FindNone()
    {
        var (alice, mallory) = (await app.UserAsync(), await app.UserAsync());
        var session = await alice.JoinAsync(await alice.ChannelAsync());

        foreach (var (method, path, body) in (IEnumerable<(string, string, object)>)
        [
            ("PATCH", "/voice/state", new { session_id = session, mute = true }),
            ("POST", "/voice/leave", new { session_id = session }),
            ("POST", "/voice/signal", new { session_id = session, type = "offer", sdp = VoiceOffers.Of("sendrecv") }),
            ("POST", "/voice/signal", new { session_id = session, type = "offer", sdp = "nonsense" }),
            ("POST", "/voice/signal", new { session_id = session, type = "ice", candidate = (object?)null }),
            ("POST", "/voice/signal", new { session_id = session, type = "answer", sdp = "x" }),
        ])
        {
            AssertError(await mallory.SendAsync(method, path, body), 404, "SESSION_NOT_FOUND");
        }

        Assert.NotNull((await app.Grains.GetGrain<IVoiceSessionGrain>(session).GetAsync(alice.Id)).Value);
    }

    [Theory]
    [InlineData("POST", "/voice/join")]
    [InlineData("PATCH", "/voice/state")]
    [InlineData("POST", "/voice/leave")]
    [InlineData("POST", "/voice/signal")]
    public async Task Requests_WithABodyThatIsTooLarge_AreRefused(string method, string path) => AssertError(
        await (await app.UserAsync()).SendAsync(method, path, $$"""{"session_id":"{{new string('x', 2 << 20)}}"}"""), 413, "REQUEST_TOO_LARGE");

    [Fact]
    public async Task Events_WithoutAWebSocket_SayWhatTheyAre() =>
        AssertError(await (await app.UserAsync()).SendAsync("GET", "/voice/events"), 426, "WEBSOCKET_REQUIRED");

    [Fact]
    public async Task Offer_OfOneSection_IsAnsweredWithTheMix()
    {
        var alice = await app.UserAsync();
        var channel = await alice.ChannelAsync();
        var session = await alice.JoinAsync(channel);

        var (status, body) = await alice.OfferAsync(session, VoiceOffers.Of("sendrecv"));

        Assert.True(status == 200, body.ToString());
        Assert.Equal("answer", body.GetProperty("type").GetString());
        var sdp = body.GetProperty("sdp").GetString()!;
        Assert.Contains("a=ice-lite\r\n", sdp, StringComparison.Ordinal);
        Assert.Contains("a=setup:passive\r\n", sdp, StringComparison.Ordinal);
        Assert.Contains("a=sendrecv\r\n", sdp, StringComparison.Ordinal);
        Assert.Contains("a=ice-ufrag:firstFragment0001\r\n", sdp, StringComparison.Ordinal);
        Assert.Matches(@"a=ssrc:\d+ cname:", sdp);
        Assert.Equal(("0", "mix"), (body.GetProperty("tracks")[0].GetProperty("mid").GetString(), body.GetProperty("tracks")[0].GetProperty("source").GetString()));
        var command = app.Node.Commands.Where(c => c.Room == ChannelInfo.RoomOf(channel)).Select(c => c.Command).OfType<CreateProducer>().Single();
        Assert.Contains("\"payloadType\":111", command.RtpParametersJson, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offer_WithSlots_IsAnsweredWithTheLoudest()
    {
        var alice = await app.UserAsync();
        var session = await alice.JoinAsync(await alice.ChannelAsync());

        var (_, body) = await alice.OfferAsync(session, VoiceOffers.Of("sendrecv", "recvonly", "recvonly", "recvonly"));

        Assert.Equal(
            [("1", "loudest"), ("2", "loudest"), ("3", "loudest")],
            body.GetProperty("tracks").EnumerateArray().Select(t => (t.GetProperty("mid").GetString(), t.GetProperty("source").GetString())));
        var sdp = body.GetProperty("sdp").GetString()!;
        Assert.Equal(["a=recvonly", "a=sendonly", "a=sendonly", "a=sendonly"], sdp.Split("\r\n").Where(l => l is "a=recvonly" or "a=sendonly" or "a=sendrecv"));
        Assert.Equal(3, sdp.Split("\r\n").Count(l => l.StartsWith("a=ssrc:", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Offer_WithAnIceRestart_GetsNewCredentials()
    {
        var alice = await app.UserAsync();
        var session = await alice.JoinAsync(await alice.ChannelAsync());
        var offer = VoiceOffers.Of("sendrecv");
        await alice.OfferAsync(session, offer);

        var (_, body) = await alice.OfferAsync(session, offer.Replace("4ZcD", "5ZcD", StringComparison.Ordinal));

        Assert.Contains("a=ice-ufrag:restartedFragment\r\n", body.GetProperty("sdp").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"offer"}""", 400, "INVALID_SDP")]
    [InlineData("""{"type":"offer","sdp":7}""", 400, "INVALID_SDP")]
    [InlineData("""{"type":"offer","sdp":"v=0"}""", 400, "INVALID_SDP")]
    [InlineData("""{"type":"dance"}""", 400, "INVALID_REQUEST")]
    [InlineData("{}", 400, "INVALID_REQUEST")]
    [InlineData("""{"type":"answer","sdp":"v=0"}""", 409, "NO_SERVER_OFFER")]
    [InlineData("""{"type":"ice","candidate":"candidate:1"}""", 400, "INVALID_REQUEST")]
    [InlineData("""{"type":"ice","candidate":{"candidate":7}}""", 400, "INVALID_REQUEST")]
    public async Task Signal_ThatIsWrong_SaysWhy(string rest, int status, string code)
    {
        var alice = await app.UserAsync();
        var session = await alice.JoinAsync(await alice.ChannelAsync());
        var body = rest == "{}" ? $$"""{"session_id":"{{session}}"}""" : $$"""{"session_id":"{{session}}",{{rest[1..]}}""";

        AssertError(await alice.SendAsync("POST", "/voice/signal", body), status, code);
    }

    [Theory]
    [InlineData("a=group:BUNDLE 0\r\n", "", 400, "INVALID_SDP")]
    [InlineData("a=rtcp-mux\r\n", "", 400, "INVALID_SDP")]
    [InlineData("opus/48000/2", "speex/8000", 415, "UNSUPPORTED_CODEC")]
    public async Task Offer_ThatIsRefused_SaysWhyAndLeavesTheSession(string find, string replace, int status, string code)
    {
        var alice = await app.UserAsync();
        var session = await alice.JoinAsync(await alice.ChannelAsync());
        var offer = VoiceOffers.Of("sendrecv");

        AssertError(await alice.OfferAsync(session, offer.Replace(find, replace, StringComparison.Ordinal)), status, code);
        Assert.Equal(200, (await alice.OfferAsync(session, offer)).Status);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("""{"candidate":"candidate:1 1 udp 2 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}""")]
    [InlineData("""{"candidate":""}""")]
    public async Task Ice_OfAClient_IsTaken(string candidate)
    {
        var alice = await app.UserAsync();
        var session = await alice.JoinAsync(await alice.ChannelAsync());

        var (status, _) = await alice.SendAsync("POST", "/voice/signal", $$"""{"session_id":"{{session}}","type":"ice","candidate":{{candidate}}}""");

        Assert.Equal(204, status);
    }

    [Fact]
    public async Task Events_OfAChannel_ComeInOrder()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var channel = await alice.ChannelAsync();
        await using var listener = await alice.ListenAsync();
        var nothing = await listener.NextAsync("voice.state");
        Assert.Empty(nothing.GetProperty("participants").EnumerateArray());
        Assert.False(nothing.TryGetProperty("session_id", out _));

        var session = await alice.JoinAsync(channel);
        Assert.Equal(session, (await listener.NextAsync("voice.session.created")).GetProperty("session_id").GetGuid());
        var bobs = await bob.JoinAsync(channel);
        var created = await listener.NextAsync("voice.session.created");
        Assert.Equal((bobs, bob.Id, channel), (created.GetProperty("session_id").GetGuid(), created.GetProperty("user_id").GetGuid(), created.GetProperty("channel_id").GetGuid()));
        await bob.SendAsync("PATCH", "/voice/state", new { session_id = bobs, mute = true });
        Assert.True((await listener.NextAsync("voice.session.updated")).GetProperty("mute").GetBoolean());
        await bob.SendAsync("POST", "/voice/leave", new { session_id = bobs });
        Assert.Equal("left", (await listener.NextAsync("voice.session.ended")).GetProperty("reason").GetString());
        await listener.SendAsync("""{"type":"ping"}""");
        await listener.NextAsync("pong");
        await listener.SendAsync("[");
        Assert.Equal("UNKNOWN_TYPE", (await listener.NextAsync("error")).GetProperty("code").GetString());
        await alice.SendAsync("DELETE", $"/api/channels/{channel}");
        Assert.Equal("room_closed", (await listener.NextAsync("voice.session.ended")).GetProperty("reason").GetString());
    }

    private static void AssertError((int Status, JsonElement Body) answer, int status, string code)
    {
        Assert.True(answer.Status == status, $"{answer.Status}: {answer.Body}");
        var error = answer.Body.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
    }
}
