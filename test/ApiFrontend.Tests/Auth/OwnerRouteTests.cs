using System.Text.Json;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.ApiFrontend.Auth;
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
            return property;
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
            return $"{call.Body}\n{chat.Body}\n{history.Body}\n{channel.Body}\n{members.Body}\n{session.Value}\n{session.Fault}\n{bans}";
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
