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

    // Shorter than the time between two pings, so that nothing else is due when the clock is moved.
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(10);

    private readonly Engine.Tests.ManualTime _time = new();
    private readonly TokenForge _forge;

    public TokenExpiryTests() => _forge = new TokenForge(_time);

    public void Dispose() => _forge.Dispose();

    [Fact]
    public async Task SocketIo_TokenEnds_ClientIsToldPutOutOfItsRoomAndDisconnected()
    {
        await using var app = await FrontendApp.StartAsync(_time, Required, Secret, NoGrace);
        using var socket = await RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"token":"{{ShortLived()}}"}""");
        await socket.AskAsync("join-room", """{"roomId":"r"}""");
        Assert.Single(app.Rooms["r"].Participants);

        _time.Advance(Life);
        var told = await UntilAsync(socket, "token-expired");
        Assert.Contains("\"code\":\"UNAUTHENTICATED\"", told, StringComparison.Ordinal);
        Assert.Equal("41/voice,", await socket.ReceiveAsync());
        await Eventually.TrueAsync(() => app.Rooms["r"].Participants.Length == 0, "the participant has left");
    }

    [Fact]
    public async Task SocketIo_AnotherTokenInJoinRoom_LengthensTheStay()
    {
        await using var app = await FrontendApp.StartAsync(_time, Required, Secret, NoGrace);
        var first = ShortLived();
        using var witness = await RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"token":"{{first}}"}""");
        using var socket = await RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"token":"{{first}}"}""");
        await socket.AskAsync("join-room", $$"""{"roomId":"r","token":"{{_forge.ValidHmac()}}"}""");

        // When the first token has ended for another connection, it has ended for this one as well.
        _time.Advance(Life);
        await UntilAsync(witness, "token-expired");
        Assert.True((await socket.AskAsync("leave-room", "{}")).TryGetProperty("error", out _) is false);
    }

    [Fact]
    public async Task SocketIo_WithinTheGrace_TheConnectionStays()
    {
        await using var app = await FrontendApp.StartAsync(_time, Required, Secret, "Auth:ClockSkew=00:01:00");
        await using var strict = await FrontendApp.StartAsync(_time, Required, Secret, NoGrace);
        var token = ShortLived();
        using var socket = await RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"token":"{{token}}"}""");
        using var witness = await RawSocket.ConnectAsync(strict.Address, "/voice", $$"""{"token":"{{token}}"}""");

        _time.Advance(Life);
        await UntilAsync(witness, "token-expired");
        Assert.True((await socket.AskAsync("join-room", """{"roomId":"r"}""")).TryGetProperty("peerId", out _));
    }

    [Fact]
    public async Task CallSocket_TokenEnds_ClosesWith4401AndTheReason()
    {
        CallsApp app = new(_time, ("JWT_SECRET", TokenForge.Secret), ("Auth:ClockSkew", "00:00:00"));
        await app.InitializeAsync();
        try
        {
            await using var socket = await new CallsUser(app.Http, ShortLived(), Guid.NewGuid()).ConnectAsync();

            _time.Advance(Life);
            Assert.Equal(JsonValueKind.Undefined, (await socket.NextAsync()).ValueKind);

            Assert.Equal((WebSocketCloseStatus)4401, socket.CloseStatus);
            Assert.Equal("The token has expired.", socket.CloseReason);
        }
        finally
        {
            await app.DisposeAsync();
        }
    }

    private string ShortLived() => _forge.ValidHmac(c => c["exp"] = (_time.GetUtcNow() + Life).ToUnixTimeSeconds());

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
