using System.Text.Json;
using VoiceCluster.ApiFrontend.Tests.Auth;
using VoiceCluster.ApiFrontend.Tests.Calls;
using VoiceCluster.ApiFrontend.Tests.SocketIo;

namespace VoiceCluster.ApiFrontend.Tests.Limits;

/// <summary>Messages over long connections take from the same buckets as requests.</summary>
public sealed class MessageLimitTests : IDisposable
{
    private readonly TokenForge _forge = new(TimeProvider.System);

    public void Dispose() => _forge.Dispose();

    [Fact]
    public async Task SocketIo_UserPastItsLimit_GetsTheDialectsErrorAndOthersDoNot()
    {
        await using var app = await FrontendApp.StartAsync(
            "Auth:Mode=Required", "JWT_SECRET=" + TokenForge.Secret, "RateLimit:UserBurst=3", "RateLimit:UserPerSecond=0.01");
        using var alice = await ConnectAsync(app, "alice");
        using var bob = await ConnectAsync(app, "bob");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("INVALID", CodeOf(await alice.AskAsync("no-such-event", "{}")));
        }

        foreach (var name in new[] { "join-room", "no-such-event" })
        {
            var refused = await alice.AskAsync(name, """{"roomId":"r"}""");
            Assert.Equal("RATE_LIMITED", CodeOf(refused));
            Assert.InRange(refused.GetProperty("error").GetProperty("retryAfter").GetInt32(), 1, 100);
        }

        Assert.Empty(app.Rooms["r"].Participants);
        Assert.True((await bob.AskAsync("join-room", """{"roomId":"r"}""")).TryGetProperty("peerId", out _));
    }

    [Fact]
    public async Task SocketIo_AddressPastItsLimit_IsRefusedWithoutATokenToo()
    {
        await using var app = await FrontendApp.StartAsync("RateLimit:AddressBurst=3", "RateLimit:AddressPerSecond=0.01");

        // Opening the connection took one.
        using var socket = await RawSocket.ConnectAsync(app.Address, "/voice");
        await socket.AskAsync("leave-room", "{}");
        await socket.AskAsync("leave-room", "{}");

        Assert.Equal("RATE_LIMITED", CodeOf(await socket.AskAsync("join-room", """{"roomId":"r","userId":1}""")));
    }

    [Fact]
    public async Task CallSocket_UserPastItsLimit_GetsAnErrorAndStaysConnected()
    {
        CallsApp app = new(("RateLimit:Enabled", "true"), ("RateLimit:UserBurst", "4"), ("RateLimit:UserPerSecond", "0.01"));
        await app.InitializeAsync();
        try
        {
            // The connection and its first ping took two.
            await using var socket = await (await app.UserAsync()).ConnectAsync();
            await socket.SendAsync("call:hangup", Guid.NewGuid());
            await socket.ErrorAsync("CALL_NOT_FOUND");
            await socket.SendAsync("call:hangup", Guid.NewGuid());
            await socket.ErrorAsync("CALL_NOT_FOUND");

            await socket.SendAsync("call:hangup", Guid.NewGuid());
            var error = await socket.NextAsync("error");
            Assert.Equal("RATE_LIMITED", error.GetProperty("code").GetString());
            Assert.InRange(error.GetProperty("retry_after").GetInt32(), 1, 100);
            await socket.SendAsync("""{"type":"ping"}""");
            await socket.ErrorAsync("RATE_LIMITED");
        }
        finally
        {
            await app.DisposeAsync();
        }
    }

    private static string? CodeOf(JsonElement ack) => ack.GetProperty("error").GetProperty("code").GetString();

    private Task<RawSocket> ConnectAsync(FrontendApp app, string user) =>
        RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"token":"{{_forge.ValidHmac(c => c["sub"] = user)}}"}""");
}
