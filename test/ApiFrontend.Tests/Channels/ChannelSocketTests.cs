using System.Text.Json;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Tests.Voice;

namespace VoiceCluster.ApiFrontend.Tests.Channels;

/// <summary>The WebSocket dialect of channels over the real grains.</summary>
public sealed class ChannelSocketTests(VoiceApp app) : IClassFixture<VoiceApp>
{
    [Fact]
    public async Task Join_ToLeave_IsToldToBothInOrder()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var channel = await alice.ChannelAsync();
        await using var first = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await using var second = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);

        var authenticated = await first.AuthenticateAsync(alice.Token);
        Assert.Equal(alice.Id, authenticated.GetProperty("user").GetProperty("id").GetGuid());
        var udp = authenticated.GetProperty("udp");
        Assert.Equal((3002, 32, 32), (udp.GetProperty("port").GetInt32(), udp.GetProperty("session").GetString()!.Length, udp.GetProperty("key").GetString()!.Length));
        await second.AuthenticateAsync(bob.Token);

        await first.SendAsync("JoinChannel", channel);
        var joined = await first.NextAsync("ChannelJoined");
        Assert.Equal(channel, joined.GetProperty("channel").GetProperty("id").GetGuid());
        Assert.Equal([alice.Id], joined.GetProperty("users").EnumerateArray().Select(u => u.GetProperty("id").GetGuid()));
        Assert.Equal(("forward", "192.0.2.7"), (joined.GetProperty("mode").GetString(), joined.GetProperty("udp").GetProperty("address").GetString()));
        Assert.Equal(udp.GetProperty("key").GetString(), joined.GetProperty("udp").GetProperty("key").GetString());
        Assert.Equal(udp.GetProperty("session").GetString(), joined.GetProperty("udp").GetProperty("session").GetString());

        await second.SendAsync("JoinChannel", channel, ""","mode":"mix" """);
        Assert.Equal("mix", (await second.NextAsync("ChannelJoined")).GetProperty("mode").GetString());
        Assert.Equal(bob.Id, (await first.NextAsync("UserJoined")).GetProperty("user").GetProperty("id").GetGuid());

        await second.SendAsync("StartAudio", channel);
        foreach (var client in (ChannelClient[])[first, second])
        {
            var started = await client.NextAsync("AudioStarted");
            Assert.Equal((bob.Id, channel), (started.GetProperty("user_id").GetGuid(), started.GetProperty("channel_id").GetGuid()));
        }

        await second.SendAsync("SetVoiceState", channel, ""","mute":true""");
        Assert.True((await first.NextAsync("UserUpdated")).GetProperty("user").GetProperty("mute").GetBoolean());
        await second.SendAsync("StopAudio", channel);
        Assert.Equal(bob.Id, (await first.NextAsync("AudioStopped")).GetProperty("user_id").GetGuid());
        await second.SendAsync("StartAudio", channel);
        await first.NextAsync("AudioStarted");
        await second.SendAsync("LeaveChannel", channel);
        await first.NextAsync("AudioStopped");
        var left = await first.NextAsync("UserLeft");
        Assert.Equal((bob.Id, "left"), (left.GetProperty("user_id").GetGuid(), left.GetProperty("reason").GetString()));

        // What the node was told: a transport each, a consumer of the voice for who forwards, the mix for the other.
        var commands = app.Node.Commands.Where(c => c.Room == channel.ToString()).Select(c => c.Command).ToArray();
        Assert.Equal(2, commands.OfType<CreateRelayTransport>().Count());
        Assert.Equal(bob.Id, Assert.Single(commands.OfType<CreateConsumer>()).SourceUserId);
        Assert.Single(commands.OfType<CreateMixConsumer>());
    }

    [Fact]
    public async Task Join_OfTheSameUserElsewhere_MovesTheFirst_AndKeysAreNeverUsedTwice()
    {
        var alice = await app.UserAsync();
        var channel = await alice.ChannelAsync();
        await using var first = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await using var second = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await first.AuthenticateAsync(alice.Token);
        await second.AuthenticateAsync(alice.Token);
        await first.SendAsync("JoinChannel", channel);
        HashSet<string> keys = [KeyOf(await first.NextAsync("ChannelJoined"))];

        await second.SendAsync("JoinChannel", channel);
        Assert.True(keys.Add(KeyOf(await second.NextAsync("ChannelJoined"))));
        await first.NextAsync("UserJoined");
        var moved = await first.NextAsync("UserLeft");
        Assert.Equal((alice.Id, "moved"), (moved.GetProperty("user_id").GetGuid(), moved.GetProperty("reason").GetString()));
        await first.SendAsync("StartAudio", channel);
        await first.ErrorAsync("NOT_IN_CHANNEL");

        await second.SendAsync("JoinChannel", channel, ""","mode":"mix" """);
        while (true)
        {
            // The leaving of the others is told as well, in the order in which the room says it.
            var message = await second.NextAnyAsync();
            if (message.Name == "ChannelJoined")
            {
                Assert.True(keys.Add(KeyOf(message.Body)));
                break;
            }
        }

        static string KeyOf(JsonElement joined) => joined.GetProperty("udp").GetProperty("key").GetString()!;
    }

    [Fact]
    public async Task Join_WithAResumeToken_TakesThePlaceOver_AndOthersSeeNobodyLeave()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var channel = await alice.ChannelAsync();
        await using var first = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await using var second = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await using var other = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await first.AuthenticateAsync(alice.Token);
        await first.SendAsync("JoinChannel", channel);
        var before = await first.NextAsync("ChannelJoined");
        Assert.False(before.GetProperty("resumed").GetBoolean());
        await first.SendAsync("StartAudio", channel);
        await first.NextAsync("AudioStarted");
        await first.SendAsync("SetVoiceState", channel, ""","mute":true,"deaf":true""");
        await first.NextAsync("UserUpdated");
        await other.AuthenticateAsync(bob.Token);
        await other.SendAsync("JoinChannel", channel);
        await other.NextAsync("ChannelJoined");

        await second.AuthenticateAsync(alice.Token);
        await second.SendAsync("JoinChannel", channel, $$"""
            ,"resume_token":"{{before.GetProperty("resume_token").GetString()}}"
            """);
        var after = await second.NextAsync("ChannelJoined");

        Assert.True(after.GetProperty("resumed").GetBoolean());
        Assert.Equal(before.GetProperty("resume_token").GetString(), after.GetProperty("resume_token").GetString());
        Assert.NotEqual(before.GetProperty("udp").GetProperty("key").GetString(), after.GetProperty("udp").GetProperty("key").GetString());
        Assert.NotEqual(before.GetProperty("udp").GetProperty("session").GetString(), after.GetProperty("udp").GetProperty("session").GetString());
        var own = after.GetProperty("users").EnumerateArray().Single(u => u.GetProperty("id").GetGuid() == alice.Id);
        Assert.True(own.GetProperty("mute").GetBoolean() && own.GetProperty("deaf").GetBoolean());

        // The voice that was started is started again, on the new transport; the mute is the room's, which nobody is told anew.
        Assert.Equal(alice.Id, (await other.NextAsync("AudioStopped")).GetProperty("user_id").GetGuid());
        Assert.Equal(alice.Id, (await other.NextAsync("AudioStarted")).GetProperty("user_id").GetGuid());
        await second.SendAsync("SetVoiceState", channel, ""","mute":false""");
        Assert.False((await other.NextAsync("UserUpdated")).GetProperty("user").GetProperty("mute").GetBoolean());
        var message = await first.NextAnyAsync();
        while (message.Name != "UserLeft")
        {
            message = await first.NextAnyAsync();
        }

        Assert.Equal("moved", message.Body.GetProperty("reason").GetString());
        var commands = app.Node.Commands.Where(c => c.Room == channel.ToString()).Select(c => c.Command).ToArray();
        Assert.Equal(3, commands.OfType<CreateRelayTransport>().Count());
        Assert.Contains(commands.OfType<CloseTransport>(), c => c.TransportId == commands.OfType<CreateRelayTransport>().First().TransportId);
        Assert.True(commands.OfType<CreateProducer>().Last().Paused);
    }

    [Fact]
    public async Task Join_WithAnotherUsersOrAnUnknownResumeToken_IsANewPlace()
    {
        var (alice, eve) = (await app.UserAsync(), await app.UserAsync());
        var channel = await alice.ChannelAsync();
        await using var victim = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await using var thief = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await victim.AuthenticateAsync(alice.Token);
        await victim.SendAsync("JoinChannel", channel);
        var token = (await victim.NextAsync("ChannelJoined")).GetProperty("resume_token").GetString()!;
        await thief.AuthenticateAsync(eve.Token);

        foreach (var shown in (string[])[token, token[..^1] + (token[^1] == '0' ? '1' : '0'), "no token", new string('a', 256)])
        {
            await thief.SendAsync("JoinChannel", channel, $$"""
                ,"resume_token":"{{shown}}"
                """);
            var joined = await thief.NextAsync("ChannelJoined");
            Assert.False(joined.GetProperty("resumed").GetBoolean());
            Assert.Equal(2, joined.GetProperty("users").GetArrayLength());
            await thief.SendAsync("LeaveChannel", channel);
            await thief.NextAsync("UserLeft");
            await victim.NextAsync("UserJoined");
            await victim.NextAsync("UserLeft");
        }

        await thief.SendAsync("JoinChannel", channel, ""","resume_token":7""");
        await thief.ErrorAsync("INVALID_MESSAGE");
        await victim.SendAsync("StartAudio", channel);
        await victim.NextAsync("AudioStarted");
    }

    [Fact]
    public async Task Node_ThatLeaves_MovesTheClientWithItsVoiceUnderAnotherKey()
    {
        var alice = await app.UserAsync();
        var channel = await alice.ChannelAsync();
        await using var client = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await client.AuthenticateAsync(alice.Token);
        await client.SendAsync("JoinChannel", channel);
        var before = (await client.NextAsync("ChannelJoined")).GetProperty("udp").GetProperty("key").GetString();
        await client.SendAsync("StartAudio", channel);
        await client.NextAsync("AudioStarted");

        await app.ReplaceNodeAsync();

        var message = await client.NextAnyAsync();
        while (message.Name != "MediaMoved")
        {
            Assert.True(message.Name is "AudioStopped" or "AudioStarted", $"{message.Name} {message.Body}");
            message = await client.NextAnyAsync();
        }

        Assert.Equal(channel, message.Body.GetProperty("channel_id").GetGuid());
        Assert.NotEqual(before, message.Body.GetProperty("udp").GetProperty("key").GetString());
        var commands = app.Node.Commands.Where(c => c.Room == channel.ToString()).Select(c => c.Command).ToArray();
        Assert.True(commands.OfType<CreateRelayTransport>().Count() >= 2);
        Assert.True(commands.OfType<CreateProducer>().Count() >= 2);
    }

    [Fact]
    public async Task Deletion_OfTheChannel_PutsTheMembersOut()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        var channel = await alice.ChannelAsync();
        await using var client = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await client.AuthenticateAsync(bob.Token);
        await client.SendAsync("JoinChannel", channel);
        await client.NextAsync("ChannelJoined");

        Assert.Equal(204, (await alice.SendAsync("DELETE", $"/api/channels/{channel}")).Status);

        Assert.Equal("channel_closed", (await client.NextAsync("UserLeft")).GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData("not json", "INVALID_MESSAGE")]
    [InlineData("[]", "INVALID_MESSAGE")]
    [InlineData("{}", "INVALID_MESSAGE")]
    [InlineData("""{"JoinChannel":{},"LeaveChannel":{}}""", "INVALID_MESSAGE")]
    [InlineData("""{"Dance":{}}""", "UNKNOWN_MESSAGE")]
    [InlineData("\"Dance\"", "UNKNOWN_MESSAGE")]
    [InlineData("""{"JoinChannel":{"channel_id":7}}""", "INVALID_MESSAGE")]
    [InlineData("""{"JoinChannel":"general"}""", "INVALID_MESSAGE")]
    [InlineData("""{"JoinChannel":{"channel_id":"00000000-0000-4000-8000-000000000000"}}""", "CHANNEL_NOT_FOUND")]
    [InlineData("""{"JoinChannel":{"channel_id":"00000000-0000-4000-8000-000000000000","mode":"loud"}}""", "INVALID_MESSAGE")]
    [InlineData("""{"LeaveChannel":{"channel_id":"00000000-0000-4000-8000-000000000000"}}""", "NOT_IN_CHANNEL")]
    [InlineData("""{"StartAudio":{"channel_id":"00000000-0000-4000-8000-000000000000"}}""", "NOT_IN_CHANNEL")]
    [InlineData("""{"Authenticate":{"token":"no"}}""", "UNAUTHENTICATED")]
    [InlineData("""{"Authenticate":{"username":"alice"}}""", "UNAUTHENTICATED")]
    [InlineData("""{"Authenticate":null}""", "UNAUTHENTICATED")]
    public async Task Message_ThatIsWrong_GetsAnErrorAndTheConnectionStays(string message, string code)
    {
        await using var client = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await client.AuthenticateAsync((await app.UserAsync()).Token);

        await client.SendAsync(message);

        await client.ErrorAsync(code);
        await client.SendAsync("\"Ping\"");
        await client.NextAsync("Pong");
    }

    [Fact]
    public async Task Messages_BeforeAuthenticate_AreRefused()
    {
        await using var client = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        foreach (var name in (string[])["JoinChannel", "LeaveChannel", "StartAudio", "StopAudio", "SetVoiceState"])
        {
            await client.SendAsync(name, Guid.NewGuid());
            await client.ErrorAsync("UNAUTHENTICATED");
        }
    }

    [Fact]
    public async Task Join_OfAFullAndOfAPrivateChannel_IsRefused()
    {
        var (alice, bob, eve) = (await app.UserAsync(), await app.UserAsync(), await app.UserAsync());
        var (_, made) = await alice.SendAsync("POST", "/api/channels", new { name = "ours", max_users = 1, is_private = true });
        var channel = made.GetProperty("id").GetGuid();
        Assert.Equal(201, (await alice.SendAsync("POST", $"/api/channels/{channel}/members", new { user_id = bob.Id })).Status);
        await using var member = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await using var stranger = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await member.AuthenticateAsync(bob.Token);
        await stranger.AuthenticateAsync(eve.Token);

        await stranger.SendAsync("JoinChannel", channel);
        await stranger.ErrorAsync("FORBIDDEN");
        await member.SendAsync("JoinChannel", channel);
        await member.NextAsync("ChannelJoined");
        await alice.SendAsync("POST", $"/api/channels/{channel}/members", new { user_id = eve.Id });
        await stranger.SendAsync("JoinChannel", channel);
        await stranger.ErrorAsync("CHANNEL_FULL");

        Assert.Equal(204, (await alice.SendAsync("DELETE", $"/api/channels/{channel}/members/{bob.Id}")).Status);
        Assert.Equal("removed", (await member.NextAsync("UserLeft")).GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Mix_WithoutAnOpusLibrary_SaysThatItIsNotSupported()
    {
        var alice = await app.UserAsync();
        var channel = await alice.ChannelAsync();
        await using var client = await ChannelClient.ConnectAsync(app.Http.BaseAddress!);
        await client.AuthenticateAsync(alice.Token);
        app.Node.HasNoMix = true;
        try
        {
            await client.SendAsync("JoinChannel", channel, ""","mode":"mix" """);
            await client.ErrorAsync("NOT_SUPPORTED");
        }
        finally
        {
            app.Node.HasNoMix = false;
        }

        Assert.Equal(0, (await alice.SendAsync("GET", $"/api/channels/{channel}")).Body.GetProperty("user_count").GetInt32());
    }
}
