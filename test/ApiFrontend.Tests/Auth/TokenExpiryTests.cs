using System.Net.WebSockets;
using System.Text.Json;
using VoiceCluster.ApiFrontend.Tests.Calls;
using VoiceCluster.ApiFrontend.Tests.SocketIo;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>Connections that outlive their token.</summary>
public sealed class TokenExpiryTests : IDisposable
{
    private const string Required = "Auth:Mode=Required";
    private const string Secret = "JWT_SECRET=" + TokenForge.Secret;
    private const string NoGrace = "Auth:ClockSkew=00:00:00";

    private readonly TokenForge _forge = new(TimeProvider.System);

    public void Dispose() => _forge.Dispose();

    [Fact]
    public async Task SocketIo_TokenEnds_ClientIsToldPutOutOfItsRoomAndDisconnected()
    {
        await using var app = await FrontendApp.StartAsync(Required, Secret, NoGrace);
        using var socket = await RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"token":"{{ShortLived()}}"}""");
        await socket.AskAsync("join-room", """{"roomId":"r"}""");
        Assert.Single(app.Rooms["r"].Participants);

        var told = await UntilAsync(socket, "token-expired");
        Assert.Contains("\"code\":\"UNAUTHENTICATED\"", told, StringComparison.Ordinal);
        Assert.Equal("41/voice,", await socket.ReceiveAsync());
        await Eventually.TrueAsync(() => app.Rooms["r"].Participants.Length == 0, "the participant has left");
    }

    [Fact]
    public async Task SocketIo_AnotherTokenInJoinRoom_LengthensTheStay()
    {
        await using var app = await FrontendApp.StartAsync(Required, Secret, NoGrace);
        var first = ShortLived();
        using var witness = await RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"token":"{{first}}"}""");
        using var socket = await RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"token":"{{first}}"}""");
        await socket.AskAsync("join-room", $$"""{"roomId":"r","token":"{{_forge.ValidHmac()}}"}""");

        // When the first token has ended for another connection, it has ended for this one as well.
        await UntilAsync(witness, "token-expired");
        Assert.True((await socket.AskAsync("leave-room", "{}")).TryGetProperty("error", out _) is false);
    }

    [Fact]
    public async Task SocketIo_WithinTheGrace_TheConnectionStays()
    {
        await using var app = await FrontendApp.StartAsync(Required, Secret, "Auth:ClockSkew=00:01:00");
        await using var strict = await FrontendApp.StartAsync(Required, Secret, NoGrace);
        var token = ShortLived();
        using var socket = await RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"token":"{{token}}"}""");
        using var witness = await RawSocket.ConnectAsync(strict.Address, "/voice", $$"""{"token":"{{token}}"}""");

        await UntilAsync(witness, "token-expired");
        Assert.True((await socket.AskAsync("join-room", """{"roomId":"r"}""")).TryGetProperty("peerId", out _));
    }

    [Fact]
    public async Task CallSocket_TokenEnds_ClosesWith4401AndTheReason()
    {
        CallsApp app = new(("JWT_SECRET", TokenForge.Secret), ("Auth:ClockSkew", "00:00:00"));
        await app.InitializeAsync();
        try
        {
            await using var socket = await new CallsUser(app.Http, ShortLived(), Guid.NewGuid()).ConnectAsync();

            Assert.Equal(JsonValueKind.Undefined, (await socket.NextAsync()).ValueKind);

            Assert.Equal((WebSocketCloseStatus)4401, socket.CloseStatus);
            Assert.Equal("The token has expired.", socket.CloseReason);
        }
        finally
        {
            await app.DisposeAsync();
        }
    }

    /// <summary>Over in two seconds: <c>exp</c> has whole seconds, and one that ends in this one may have ended already.</summary>
    private string ShortLived() => _forge.ValidHmac(c => c["exp"] = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 2);

    private static async Task<string> UntilAsync(RawSocket socket, string name)
    {
        while (true)
        {
            var frame = await socket.ReceiveAsync();
            Assert.NotNull(frame);
            if (frame == "2")
            {
                await socket.SendAsync("3");
            }
            else if (frame.Contains($"\"{name}\"", StringComparison.Ordinal))
            {
                return frame;
            }
        }
    }
}
