using System.Text.Json;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Tests.SocketIo;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>Every attack by every carrier, over HTTP and Socket.IO, against a host that also accepts honest tokens.</summary>
public sealed class TokenAttackTests(IdentityFixture fixture) : IClassFixture<IdentityFixture>
{
    private const string Unauthorized = """{"error":{"code":"UNAUTHENTICATED","message":"The token is not valid."}}""";

    /// <summary>Kestrel refuses a longer request line with 414 before anybody reads it.</summary>
    private const int LongestQuery = 8_000;

    public static TheoryData<string> Names => [.. TokenAttacks.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task ForgedToken_ByAnyCarrier_Gets401AndNothingElse(string attack)
    {
        var token = TokenAttacks.All[attack](fixture);
        var handled = fixture.Host.Handled;

        List<RawAnswer> answers =
        [
            await fixture.Host.SendRawAsync("/identity", $"Authorization: Bearer {token}"),
            await fixture.Host.SendRawAsync("/open", $"Authorization: Bearer {token}"),
            await fixture.Host.SendUpgradeAsync("/ws", $"Sec-WebSocket-Protocol: bearer, {token}"),
        ];
        if (token.Length <= LongestQuery)
        {
            answers.Add(await fixture.Host.SendUpgradeAsync($"/ws?token={Uri.EscapeDataString(token)}"));
        }

        Assert.All(answers, AssertRefused);
        Assert.Equal(handled, fixture.Host.Handled);
        Assert.Equal(0, fixture.Trap.Requests);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task ForgedToken_OverSocketIo_GetsNeitherIntoTheNamespaceNorIntoARoom(string attack)
    {
        var token = TokenAttacks.All[attack](fixture);
        var payload = JsonSerializer.Serialize(new { token });

        using var handshake = await RawSocket.OpenAsync(fixture.Doors.Address);
        Assert.StartsWith("0{", await handshake.ReceiveAsync(), StringComparison.Ordinal);
        await handshake.SendAsync($"40/voice,{payload}");
        Assert.Equal("""44/voice,{"message":"The token is not valid."}""", await handshake.ReceiveAsync());

        using var socket = await RawSocket.ConnectAsync(fixture.Doors.Address, "/voice");
        var answer = await socket.AskAsync("join-room", JsonSerializer.Serialize(new { roomId = "r", userId = TokenForge.Subject, token }));
        Assert.Equal(token.Length > TokenShape.MaxLength ? "INVALID" : "UNAUTHENTICATED", answer.GetProperty("error").GetProperty("code").GetString());
        Assert.Empty(fixture.Doors.Rooms["r"].Participants);
        Assert.Equal(0, fixture.Trap.Requests);
    }

    [Fact]
    public async Task HonestTokens_OverSocketIo_AreLetIn()
    {
        foreach (var token in new[] { fixture.Forge.ValidHmac(), fixture.Forge.ValidRsa(), fixture.Forge.ValidEc() })
        {
            using var socket = await RawSocket.ConnectAsync(fixture.Doors.Address, "/voice", JsonSerializer.Serialize(new { token }));
            Assert.True((await socket.AskAsync("join-room", """{"roomId":"honest"}""")).TryGetProperty("peerId", out _));
        }
    }

    [Theory]
    [InlineData("Authorization: Basic YWxpY2U6c2VjcmV0")]
    [InlineData("Authorization: Bearer")]
    [InlineData("Authorization: Bearer ")]
    [InlineData("Authorization: {0}")]
    [InlineData("Authorization: Token {0}")]
    [InlineData("Authorization: Bearer  {0}")]
    [InlineData("Authorization: Bearer\t{0}")]
    [InlineData("Authorization: Bearer {0} {0}")]
    [InlineData("Authorization: Bearer {0},{0}")]
    [InlineData("Authorization: Bearer \"{0}\"")]
    [InlineData("Authorization: Bearer {0}\r\nAuthorization: Bearer {0}")]
    public async Task AuthorizationHeader_OutOfShape_Gets401(string header)
        => AssertRefused(await fixture.Host.SendRawAsync("/identity", string.Format(header, fixture.Forge.ValidHmac())));

    [Fact]
    public async Task WebSocket_WithTwoCarriers_Gets401()
    {
        var token = fixture.Forge.ValidHmac();

        AssertRefused(await fixture.Host.SendUpgradeAsync($"/ws?token={token}", $"Authorization: Bearer {token}"));
        AssertRefused(await fixture.Host.SendUpgradeAsync($"/ws?token={token}", $"Sec-WebSocket-Protocol: bearer, {token}"));
        AssertRefused(await fixture.Host.SendUpgradeAsync($"/ws?token={token}&token={token}"));
        AssertRefused(await fixture.Host.SendUpgradeAsync("/ws", "Sec-WebSocket-Protocol: bearer"));
        AssertRefused(await fixture.Host.SendUpgradeAsync("/ws", $"Sec-WebSocket-Protocol: bearer, {token}, bearer, {token}"));
    }

    [Fact]
    public async Task QueryToken_OnPlainRequest_IsNotLookedAt()
    {
        var answer = await fixture.Host.SendRawAsync($"/identity?token={fixture.Forge.ValidHmac()}");

        Assert.Equal(401, answer.Status);
        Assert.Contains("A token is required.", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HonestTokens_OfEachAlgorithm_AreLetIn()
    {
        foreach (var token in new[] { fixture.Forge.ValidHmac(), fixture.Forge.ValidRsa(), fixture.Forge.ValidEc() })
        {
            using var answer = await fixture.Host.GetAsync("/identity", token);
            Assert.Equal(System.Net.HttpStatusCode.OK, answer.StatusCode);
            Assert.Contains(TokenForge.Subject, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    private static void AssertRefused(RawAnswer answer)
    {
        Assert.Equal(401, answer.Status);
        Assert.Contains(Unauthorized, answer.Body, StringComparison.Ordinal);
        Assert.Contains("WWW-Authenticate: Bearer error=\"invalid_token\"", answer.Head, StringComparison.Ordinal);
    }
}
