using System.Text.Json;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Peers;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Identity;
using VoiceCluster.ApiFrontend.Tests.Calls;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>
/// Every route that belongs to owners, tried with a valid token of somebody else on something that exists. A new route of this
/// kind gets a row here, or these tests fail.
/// </summary>
public sealed class OwnerRouteTests(AccessWorld world) : IClassFixture<AccessWorld>
{
    /// <summary>What a stranger tries: path and body, made of what the owners have.</summary>
    private static readonly Dictionary<string, Func<Property, (string Path, string? Body)>> Intrusions = new()
    {
        ["DELETE /api/v1/calls/{callId}"] = p => ($"/api/v1/calls/{p.CallId}", null),
        ["GET /api/v1/calls"] = p => ($"/api/v1/calls?chat_id={p.ChatId}", null),
        ["GET /api/v1/calls/{callId}"] = p => ($"/api/v1/calls/{p.CallId}", null),
        ["GET /api/v1/chats/{chatId}"] = p => ($"/api/v1/chats/{p.ChatId}", null),
        ["PATCH /api/v1/calls/{callId}"] = p => ($"/api/v1/calls/{p.CallId}", """{"accept":true}"""),
        ["DELETE /api/channels/{channelId}"] = p => ($"/api/channels/{p.ChannelId}", null),
        ["DELETE /api/channels/{channelId}/bans/{userId}"] = p => ($"/api/channels/{p.ChannelId}/bans/{p.BannedId}", null),
        ["PATCH /api/channels/{channelId}"] = p => ($"/api/channels/{p.ChannelId}", """{"name":"taken over"}"""),
        ["PUT /api/channels/{channelId}/bans/{userId}"] = p => ($"/api/channels/{p.ChannelId}/bans/{p.Bob}", null),
        ["POST /api/channels/{channelId}/members"] = p => ($"/api/channels/{p.ChannelId}/members", $$"""{"user_id":"{{p.Bob}}"}"""),
        ["DELETE /api/channels/{channelId}/members/{userId}"] = p => ($"/api/channels/{p.ChannelId}/members/{p.MemberId}", null),
        ["POST /ice-candidate"] = p => ($"/ice-candidate?peerID={p.PeerId}", """{"candidate":"candidate:1 1 udp 1 192.0.2.5 50000 typ host","sdpMid":"0"}"""),
        ["GET /chat/messages/{sessionId}"] = p => ($"/chat/messages/{p.Chat004}", null),
        ["GET /chat/usage/{sessionId}"] = p => ($"/chat/usage/{p.Chat004}", null),
        ["POST /chat/join"] = p => ("/chat/join", JsonSerializer.Serialize(new { sessionId = p.Chat004, participantId = "mallory" })),
        ["POST /chat/message"] = p => ("/chat/message", JsonSerializer.Serialize(new { sessionId = p.Chat004, message = "intruding" })),
        ["POST /chat/attachment"] = p => (
            "/chat/attachment",
            JsonSerializer.Serialize(new { sessionId = p.Chat004, messageId = p.MessageId, attachment = new { type = "image", url = "https://example.com/x.png" } })),
        ["POST /chat/reaction"] = p => (
            "/chat/reaction", JsonSerializer.Serialize(new { sessionId = p.Chat004, messageId = p.MessageId, reaction = new { type = "x" } })),
        ["DELETE /chat/reaction"] = p => (
            "/chat/reaction", JsonSerializer.Serialize(new { sessionId = p.Chat004, messageId = p.MessageId, reaction = new { type = "+1" } })),
        ["DELETE /call/recordings/{sessionId}/{recordingId}"] = p => ($"/call/recordings/{p.CallSession}/{p.RecordingId}", null),
        ["GET /call/recordings/{sessionId}"] = p => ($"/call/recordings/{p.CallSession}", null),
        ["GET /call/recordings/{sessionId}/{recordingId}/{name}"] = p => ($"/call/recordings/{p.CallSession}/{p.RecordingId}/mix.ogg", null),
        ["GET /call/session/{sessionId}"] = p => ($"/call/session/{p.CallSession}", null),
        ["POST /call/kick"] = p => ("/call/kick", JsonSerializer.Serialize(new { sessionId = p.CallSession, targetId = p.Bob })),
        ["POST /call/leave"] = p => ("/call/leave", JsonSerializer.Serialize(new { sessionId = p.CallSession })),
        ["POST /call/mute"] = p => ("/call/mute", JsonSerializer.Serialize(new { sessionId = p.CallSession, targetId = p.Bob })),
        ["POST /call/quality"] = p => ("/call/quality", JsonSerializer.Serialize(new { sessionId = p.CallSession, targetId = p.Bob, quality = 1 })),
        ["POST /call/recording/start"] = p => ("/call/recording/start", JsonSerializer.Serialize(new { sessionId = p.CallSession })),
        ["POST /call/recording/stop"] = p => ("/call/recording/stop", JsonSerializer.Serialize(new { sessionId = p.CallSession })),
        ["POST /call/role"] = p => ("/call/role", JsonSerializer.Serialize(new { sessionId = p.CallSession, targetId = p.Bob, role = "moderator" })),
        ["PATCH /voice/state"] = p => ("/voice/state", JsonSerializer.Serialize(new { session_id = p.SessionId, mute = true, deaf = true })),
        ["POST /voice/leave"] = p => ("/voice/leave", JsonSerializer.Serialize(new { session_id = p.SessionId })),
        ["POST /voice/signal"] = p => (
            "/voice/signal", JsonSerializer.Serialize(new { session_id = p.SessionId, type = "ice", candidate = (object?)null })),
        ["POST /api/v1/calls"] = p => (
            "/api/v1/calls", JsonSerializer.Serialize(new { chat_id = p.ChatId, recipient_id = p.Bob, call_type = "voice" })),
    };

    public static TheoryData<string> OwnerRoutes => [.. RouteTableTests.Table.Where(r => r.Resource is not null).Select(r => r.Route)];

    [Fact]
    public void OwnerRoutes_All_HaveAnIntrusion()
        => Assert.Equal(RouteTableTests.Table.Where(r => r.Resource is not null).Select(r => r.Route).Order(StringComparer.Ordinal), Intrusions.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(OwnerRoutes))]
    public async Task OwnerRoute_WithAnotherUsersToken_IsRefusedAndChangesNothing(string route)
    {
        await using var property = await Property.MakeAsync(world);
        var before = await property.DescribeAsync();
        var (path, body) = Intrusions[route](property);

        var (status, answer) = await world.Eve.SendAsync(route.Split(' ')[0], path, body);

        Assert.True(status is 403 or 404, $"{route} answered {status}: {answer}");
        Assert.DoesNotContain(property.ChatId.ToString(), answer.ToString(), StringComparison.Ordinal);
        Assert.Equal(before, await property.DescribeAsync());
        await property.HeardNothingAsync();
    }

    /// <summary>The same requests with the owner's token get through: the refusals above are for the stranger and for nothing else.</summary>
    [Theory]
    [MemberData(nameof(OwnerRoutes))]
    public async Task OwnerRoute_WithAnOwnersToken_IsNotForbidden(string route)
    {
        await using var property = await Property.MakeAsync(world);
        var (path, body) = Intrusions[route](property);

        var (status, _) = await (route == "PATCH /api/v1/calls/{callId}" ? property.BobUser : property.AliceUser)
            .SendAsync(route.Split(' ')[0], path, body);

        // There is no node in this world that has the file; its place is known to the owner all the same.
        Assert.False(status is 401 or 403 or 404, $"{route} answered its owner {status}.");
    }

    /// <summary>A chat of two new users, in which one rings the other, and a WebSocket of each.</summary>
    internal sealed class Property : IAsyncDisposable
    {
        private CallsSocket _aliceSocket = null!;
        private CallsSocket _bobSocket = null!;
        private IGrainFactory _grains = null!;

        public Guid ChatId { get; private set; }

        public Guid CallId { get; private set; }

        public Guid ChannelId { get; private set; }

        /// <summary>Who may not come into the channel.</summary>
        public Guid BannedId { get; } = Guid.NewGuid();

        /// <summary>Who belongs to the channel.</summary>
        public Guid MemberId { get; } = Guid.NewGuid();

        /// <summary>Alice's voice session in the channel.</summary>
        public Guid SessionId { get; private set; }

        public Guid Bob => BobUser.Id;

        /// <summary>A chat session of the two with a message and a reaction of Alice.</summary>
        public string Chat004 { get; private set; } = "";

        public string MessageId { get; private set; } = "";

        /// <summary>A call session of the two, with a recording that a node told of.</summary>
        public string CallSession { get; private set; } = "";

        public string RecordingId { get; private set; } = "";

        /// <summary>Alice's peer in a room of its own.</summary>
        public string PeerId { get; } = $"p{Guid.NewGuid():N}";

        public CallsUser AliceUser { get; private set; } = null!;

        public CallsUser BobUser { get; private set; } = null!;

        public static async Task<Property> MakeAsync(AccessWorld world)
        {
            Property property = new()
            {
                AliceUser = await world.UserAsync($"a{Guid.NewGuid():N}"),
                BobUser = await world.UserAsync($"b{Guid.NewGuid():N}"),
            };
            property._aliceSocket = await property.AliceUser.ConnectAsync();
            property._bobSocket = await property.BobUser.ConnectAsync();
            property.ChatId = await property.AliceUser.ChatAsync(property.BobUser);
            var (status, call) = await property.AliceUser.CallAsync(property.ChatId, property.Bob);
            Assert.Equal(201, status);
            property.CallId = call.GetProperty("id").GetGuid();
            await property._bobSocket.NextAsync("call:initiate");
            await property.MakeChannelAsync(world);
            await property.MakeChatAsync();
            await property.MakeCallSessionAsync();
            return property;
        }

        private async Task MakeChatAsync()
        {
            var (status, chat) = await AliceUser.SendAsync("POST", "/chat/session", JsonSerializer.Serialize(new { participants = new[] { Bob }, isGroup = true }));
            Assert.True(status == 200, chat.ToString());
            Chat004 = chat.GetProperty("data").GetProperty("id").GetString()!;
            (status, var message) = await AliceUser.SendAsync("POST", "/chat/message", JsonSerializer.Serialize(new { sessionId = Chat004, message = "secret" }));
            Assert.True(status == 200, message.ToString());
            MessageId = message.GetProperty("data").GetProperty("id").GetString()!;
            (status, _) = await AliceUser.SendAsync(
                "POST", "/chat/reaction", JsonSerializer.Serialize(new { sessionId = Chat004, messageId = MessageId, reaction = new { type = "+1" } }));
            Assert.Equal(200, status);
        }

        /// <summary>Alice is its host and in its room, Bob a participant; a recording runs that a node has told of.</summary>
        private async Task MakeCallSessionAsync()
        {
            var (status, session) = await AliceUser.SendAsync("POST", "/call/session", """{"type":"audio","duration":3600000000000}""");
            Assert.True(status == 200, session.ToString());
            CallSession = session.GetProperty("data").GetProperty("id").GetString()!;
            Assert.Equal(200, (await BobUser.SendAsync("POST", "/call/join", JsonSerializer.Serialize(new { sessionId = CallSession }))).Status);
            var key = UserIdentity.NameBased(AliceUser.Id, $"peer:{PeerId}");
            var offered = await _grains.GetGrain<IPeerGrain>(key).OfferAsync(
                new PeerInfo(PeerId, AliceUser.Id, "\"alice\"", "Alice", CallSession), new MediaOffered("d", "fragment", "{}", []), "v=0");
            Assert.Null(offered.Fault);
            (status, var recording) = await AliceUser.SendAsync("POST", "/call/recording/start", JsonSerializer.Serialize(new { sessionId = CallSession }));
            Assert.True(status == 200, recording.ToString());
            RecordingId = recording.GetProperty("data").GetProperty("id").GetString()!;
            RecordingFile file = new(
                "mix.ogg", RecordingFileKind.Mix, null, null, null, "audio/ogg", 4, TimeSpan.FromSeconds(1), DateTimeOffset.UtcNow, true, "gone", "http://127.0.0.1:1/mix.ogg");
            var reported = await _grains.GetGrain<IRecordingGrain>(Guid.ParseExact(RecordingId["rec_".Length..], "N"))
                .ReportAsync(new RecordingReport(new MediaNodeId("gone", Guid.NewGuid()), RecordingStatus.Recording, null, [file]));
            Assert.Null(reported.Fault);
        }

        /// <summary>Alice owns a channel, from which somebody is banned, and has a voice session in it.</summary>
        private async Task MakeChannelAsync(AccessWorld world)
        {
            _grains = world.Grains;
            var (status, channel) = await AliceUser.SendAsync("POST", "/api/channels", """{"name":"owned"}""");
            Assert.Equal(201, status);
            ChannelId = channel.GetProperty("id").GetGuid();
            Assert.Equal(204, (await AliceUser.SendAsync("PUT", $"/api/channels/{ChannelId}/bans/{BannedId}")).Status);
            Assert.Equal(201, (await AliceUser.SendAsync("POST", $"/api/channels/{ChannelId}/members", $$"""{"user_id":"{{MemberId}}"}""")).Status);
            JoinVoice join = new(Guid.NewGuid(), AliceUser.Id, ChannelId, "Alice", false, false, "\"alice\"");
            var joined = await _grains.GetGrain<IVoiceUserGrain>(AliceUser.Id).JoinAsync(join);
            Assert.Null(joined.Fault);
            SessionId = joined.Value!.Session.Id;
        }

        /// <summary>Bob accepts, so that the two may negotiate.</summary>
        public async Task AcceptAsync()
        {
            await _bobSocket.SendAsync("call:accept", CallId);
            await _aliceSocket.NextAsync("call:accepted");
        }

        /// <summary>All that a stranger could have changed, as the owners see it.</summary>
        public async Task<string> DescribeAsync()
        {
            var call = await AliceUser.SendAsync("GET", $"/api/v1/calls/{CallId}");
            var chat = await BobUser.SendAsync("GET", $"/api/v1/chats/{ChatId}");
            var history = await AliceUser.SendAsync("GET", $"/api/v1/calls?chat_id={ChatId}");
            Assert.Equal((200, 200, 200), (call.Status, chat.Status, history.Status));
            var channel = await AliceUser.SendAsync("GET", $"/api/channels/{ChannelId}");
            var members = await AliceUser.SendAsync("GET", $"/api/channels/{ChannelId}/members");
            var session = await _grains.GetGrain<IVoiceSessionGrain>(SessionId).GetAsync(AliceUser.Id);
            var bans = (await _grains.GetGrain<IVoiceUserGrain>(BannedId).JoinAsync(
                new JoinVoice(Guid.NewGuid(), BannedId, ChannelId, "Banned", false, false, "\"banned\""))).Fault;
            var messages = await BobUser.SendAsync("GET", $"/chat/messages/{Chat004}");
            var usage = await BobUser.SendAsync("GET", $"/chat/usage/{Chat004}");
            var callSession = await BobUser.SendAsync("GET", $"/call/session/{CallSession}");
            var recordings = await BobUser.SendAsync("GET", $"/call/recordings/{CallSession}");
            Assert.Equal((200, 200, 200, 200), (messages.Status, usage.Status, callSession.Status, recordings.Status));
            var holds = usage.Body.GetProperty("data");
            return $"{messages.Body}\n{holds.GetProperty("participants")}\n{holds.GetProperty("reactions")}\n{callSession.Body}\n{recordings.Body}\n"
                + $"{call.Body}\n{chat.Body}\n{history.Body}\n{channel.Body}\n{members.Body}\n{session.Value}\n{session.Fault}\n{bans}";
        }

        /// <summary>The next thing that either is told is the answer to a ping that is sent now.</summary>
        public async Task HeardNothingAsync()
        {
            foreach (var socket in new[] { _aliceSocket, _bobSocket })
            {
                await socket.SendAsync("""{"type":"ping"}""");
                await socket.NextAsync("pong");
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _aliceSocket.DisposeAsync();
            await _bobSocket.DisposeAsync();
        }
    }
}
