using System.Text.Json;
using VoiceCluster.ApiFrontend.Tests.Voice;
using static VoiceCluster.ApiFrontend.Tests.Peers.SeedDocument;

namespace VoiceCluster.ApiFrontend.Tests.Peers;

/// <summary>All endpoints of the WebRTC microservice's document, in its order and shapes.</summary>
public sealed class SeedTests(PeersApp app) : IClassFixture<PeersApp>
{
    [Fact]
    public async Task Endpoints_InTheDocumentsOrder_AnswerAsItSays()
    {
        var health = await app.DoAsync(200, "GET", "/health");
        Assert.Equal(JsonValueKind.Null, health.ValueKind);

        var answer = await app.PostAsync("/offer?peerID=P", new { type = "offer", sdp = VoiceOffers.Of("sendrecv") });
        Assert.Equal("answer", answer.GetProperty("type").GetString());
        Assert.Contains("a=candidate:", answer.GetProperty("sdp").GetString(), StringComparison.Ordinal);
        Assert.Equal("lobby", answer.GetProperty("room").GetString());
        await app.DoAsync(200, "POST", "/ice-candidate?peerID=P", Candidate);

        var chat = await app.DoAsync(200, "POST", "/chat/session", Chat);
        var session = chat.GetProperty("id").GetString()!;
        Assert.Matches("^sess_[0-9a-f]{32}$", session);
        Assert.Equal(["user123", "user456", "user789"], chat.GetProperty("participants").EnumerateArray().Select(p => p.GetString()));
        Assert.Equal(3_600_000_000_000, chat.GetProperty("duration").GetInt64());

        var message = await app.DoAsync(200, "POST", "/chat/message", Message.Replace("sess_abc123", session, StringComparison.Ordinal));
        var id = message.GetProperty("id").GetString()!;
        Assert.Matches("^msg_[0-9a-f]{32}$", id);
        Assert.Equal(("user123", "user456", "Hello!", "text"), (
            message.GetProperty("senderId").GetString(), message.GetProperty("receiverId").GetString(), message.GetProperty("message").GetString(), message.GetProperty("type").GetString()));

        string In(string body) => body.Replace("sess_abc123", session, StringComparison.Ordinal).Replace("msg_xyz789", id, StringComparison.Ordinal);
        await app.DoAsync(200, "POST", "/chat/attachment", In(Attachment));
        await app.DoAsync(200, "POST", "/chat/reaction", In(Reaction));
        var messages = await app.DoAsync(200, "GET", $"/chat/messages/{session}");
        var only = Assert.Single(messages.EnumerateArray());
        Assert.Equal("vacation.jpg", only.GetProperty("attachments")[0].GetProperty("name").GetString());
        Assert.Equal("👍", only.GetProperty("reactions")[0].GetProperty("type").GetString());
        Assert.Equal("2024-01-29T10:05:00Z", only.GetProperty("reactions")[0].GetProperty("timestamp").GetString());
        var usage = await app.DoAsync(200, "GET", $"/chat/usage/{session}");
        Assert.Equal((1, 1, 1, 6), (Count(usage, "messages"), Count(usage, "attachments"), Count(usage, "reactions"), Count(usage, "textBytes")));

        var call = await app.DoAsync(200, "POST", "/call/session", Call);
        var callId = call.GetProperty("id").GetString()!;
        Assert.Matches("^call_[0-9a-f]{32}$", callId);
        string At(string body) => body.Replace("call_abc123", callId, StringComparison.Ordinal);
        await app.DoAsync(200, "POST", "/call/join", At(Join));

        // Nobody's media is in the call yet, so there is nothing to record.
        await app.DoAsync(409, "POST", "/call/recording/start", At(Recording));
        await app.PostAsync($"/offer?peerID=user123&room={callId}", new { type = "offer", sdp = VoiceOffers.Of("sendrecv") });
        var recording = await app.DoAsync(200, "POST", "/call/recording/start", At(Recording));
        Assert.Matches("^rec_[0-9a-f]{32}$", recording.GetProperty("id").GetString());
        await app.DoAsync(200, "POST", "/call/recording/stop", At(Recording));
        await app.DoAsync(200, "POST", "/call/quality", At(Quality));
        var details = await app.DoAsync(200, "GET", $"/call/session/{callId}");
        Assert.Equal(
            [("user123", "host", 100), ("user456", "participant", 85)],
            details.GetProperty("participants").EnumerateArray().Select(p => (p.GetProperty("id").GetString(), p.GetProperty("role").GetString(), p.GetProperty("quality").GetInt32())));
        Assert.Single((await app.DoAsync(200, "GET", $"/call/recordings/{callId}")).EnumerateArray());

        await using var signaling = await app.ConnectAsync("/ws?peerID=P");
        await signaling.NextAsync("room");
        await using var notifications = await app.ConnectAsync("/chat/notifications?userID=user456");
        await notifications.NextAsync("ready");
    }

    [Theory]
    [InlineData("GET", "/chat/messages/sess_abc123", 404)]
    [InlineData("GET", "/chat/messages/sess_00000000000040008000000000000000", 404)]
    [InlineData("GET", "/chat/messages/00000000-0000-4000-8000-000000000000", 404)]
    [InlineData("GET", "/chat/messages/call_00000000000040008000000000000000", 404)]
    [InlineData("GET", "/chat/usage/sess_abc123", 404)]
    [InlineData("GET", "/call/session/call_abc123", 404)]
    [InlineData("GET", "/call/session/call_00000000000040008000000000000000", 404)]
    [InlineData("GET", "/call/recordings/call_00000000000040008000000000000000", 404)]
    [InlineData("GET", "/call/recordings/call_00000000000040008000000000000000/rec_1/mix.ogg", 404)]
    [InlineData("GET", "/ws?peerID=P", 426)]
    [InlineData("GET", "/chat/notifications?userID=u", 426)]
    [InlineData("POST", "/offer", 400)]
    [InlineData("POST", "/offer?peerID=", 400)]
    [InlineData("POST", "/offer?peerID=a&peerID=b", 400)]
    [InlineData("POST", "/offer?peerID=P&room=", 400)]
    [InlineData("POST", "/offer?peerID=P&room=call:0191e0c0-0000-7000-8000-000000000000", 401)]
    [InlineData("POST", "/ice-candidate", 400)]
    public async Task Path_ThatNamesNothing_SaysSoInTheEnvelope(string method, string path, int status) =>
        await app.DoAsync(status, method, path, method == "POST" ? """{"type":"offer","sdp":"v=0"}""" : null);

    [Fact]
    public async Task Candidate_OfAPeerThatIsNowhere_IsNotFound() => await app.DoAsync(404, "POST", "/ice-candidate?peerID=nobody", Candidate);

    [Fact]
    public async Task Body_OverTheLimit_IsTooLarge() =>
        await app.DoAsync(413, "POST", "/chat/message", "{\"message\":\"" + new string('x', (1 << 20) + 1) + "\"}");

    [Fact]
    public async Task Ids_InEitherFormAndNamesInEitherCase_AreTaken()
    {
        var session = (await app.DoAsync(200, "POST", "/chat/session", Chat)).GetProperty("id").GetString()!;
        var bare = Guid.ParseExact(session["sess_".Length..], "N");

        await app.PostAsync("/chat/message", new { SESSIONID = bare, SenderId = "user123", MESSAGE = "one" });
        await app.PostAsync("/chat/message", new { sessionid = bare.ToString("N"), senderid = "user456", message = "two" });
        await app.PostAsync("/chat/message", new Dictionary<string, string> { ["sessionId"] = session, ["sessionID"] = session, ["senderId"] = "user123", ["message"] = "three" }, status: 400);

        var read = await app.DoAsync(200, "GET", $"/chat/messages/{bare}");
        Assert.Equal(["one", "two"], read.EnumerateArray().Select(m => m.GetProperty("message").GetString()));
    }

    private static int Count(JsonElement owner, string name) => owner.GetProperty(name).GetInt32();
}
