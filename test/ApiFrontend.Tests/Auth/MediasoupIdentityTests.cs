using System.Text.Json;
using System.Text.Json.Nodes;
using VoiceCluster.ApiFrontend.Identity;
using VoiceCluster.ApiFrontend.Tests.SocketIo;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>Tokens over Socket.IO: in the handshake or in join-room.</summary>
public sealed class MediasoupIdentityTests : IDisposable
{
    private const string Required = "Auth:Mode=Required";
    private const string Secret = "JWT_SECRET=" + TokenForge.Secret;

    private readonly TokenForge _forge = new(TimeProvider.System);

    public void Dispose() => _forge.Dispose();

    [Fact]
    public async Task RequiredMode_JoinWithoutToken_IsRefused()
    {
        await using var app = await FrontendApp.StartAsync(Required, Secret);
        using var socket = await RawSocket.ConnectAsync(app.Address, "/voice");

        Assert.Equal("UNAUTHENTICATED", CodeOf(await socket.AskAsync("join-room", """{"roomId":"r","userId":1}""")));
        Assert.Equal("UNAUTHENTICATED", CodeOf(await socket.AskAsync("join-room", """{"roomId":"r","userId":1,"token":"e30.e30.AAAA"}""")));
        Assert.Empty(app.Rooms["r"].Participants);
    }

    [Theory]
    [InlineData(true, Required)]
    [InlineData(false, Required)]
    [InlineData(true, "Auth:Mode=Open")]
    public async Task Token_OfHandshakeOrJoin_SaysWhoItIs_WhateverTheUserIdSays(bool inHandshake, string mode)
    {
        await using var app = await FrontendApp.StartAsync(mode, Secret);
        var token = _forge.ValidHmac(c => c["sub"] = "alice");
        using var socket = await RawSocket.ConnectAsync(app.Address, "/voice", inHandshake ? $$"""{"token":"{{token}}"}""" : string.Empty);

        var join = new JsonObject { ["roomId"] = "r", ["userId"] = "somebody else" };
        if (!inHandshake)
        {
            join["token"] = token;
        }

        var joined = await socket.AskAsync("join-room", join.ToJsonString());

        Assert.True(joined.TryGetProperty("peerId", out _), joined.GetRawText());
        var participant = Assert.Single(app.Rooms["r"].Participants);
        Assert.Equal((UserIdentity.FromText("alice"), "\"alice\""), (participant.UserId, participant.UserText));
    }

    [Theory]
    [InlineData(Required)]
    [InlineData("Auth:Mode=Open")]
    public async Task Handshake_WithABadToken_GetsAConnectError(string mode)
    {
        await using var app = await FrontendApp.StartAsync(mode, Secret);
        string[] payloads =
        [
            $$"""{"token":"{{_forge.ValidHmac(c => c["exp"] = 1)}}"}""",
            $$"""{"token":"{{_forge.ValidRsa()}}"}""",
            """{"token":""}""",
            """{"token":7}""",
            $$"""{"token":"{{new string('x', 9_000)}}"}""",
        ];
        foreach (var payload in payloads)
        {
            using var socket = await RawSocket.OpenAsync(app.Address);
            Assert.StartsWith("0{", await socket.ReceiveAsync(), StringComparison.Ordinal);
            await socket.SendAsync($"40/voice,{payload}");
            Assert.Equal("""44/voice,{"message":"The token is not valid."}""", await socket.ReceiveAsync());
        }
    }

    [Fact]
    public async Task RoomGrants_OfTheToken_HoldAtTheDoor()
    {
        await using var app = await FrontendApp.StartAsync(Required, Secret);
        var token = _forge.ValidHmac(c => c["rooms"] = new JsonArray("team-*"));
        using var socket = await RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"token":"{{token}}"}""");

        Assert.Equal("FORBIDDEN", CodeOf(await socket.AskAsync("join-room", """{"roomId":"board"}""")));
        Assert.True((await socket.AskAsync("join-room", """{"roomId":"team-1"}""")).TryGetProperty("peerId", out _));
    }

    private static string? CodeOf(JsonElement ack)
        => ack.TryGetProperty("error", out var error) ? error.GetProperty("code").GetString() : ack.GetRawText();
}
