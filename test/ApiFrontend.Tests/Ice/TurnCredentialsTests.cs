using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Ice;

namespace VoiceCluster.ApiFrontend.Tests.Ice;

/// <summary>What a real coturn says to the credentials that clients are given.</summary>
public sealed class TurnCredentialsTests(TurnServer turn) : IClassFixture<TurnServer>
{
    private static readonly Guid User = Guid.NewGuid();

    [Fact]
    public async Task Allocate_WithOurCredentials_Succeeds()
    {
        var server = Give(TimeSpan.Zero, TurnServer.Secret);

        Assert.Equal(0, await turn.AllocateAsync(server.Username!, server.Credential!));
    }

    [Fact]
    public async Task Allocate_WithCredentialsThatHaveExpired_IsUnauthorized()
    {
        // They hold for an hour and were given two hours ago.
        var server = Give(TimeSpan.FromHours(-2), TurnServer.Secret);

        Assert.Equal(401, await turn.AllocateAsync(server.Username!, server.Credential!));
    }

    [Fact]
    public async Task Allocate_WithAnotherSecretOrAChangedExpiry_IsUnauthorized()
    {
        var forged = Give(TimeSpan.Zero, "another secret");
        Assert.Equal(401, await turn.AllocateAsync(forged.Username!, forged.Credential!));

        var old = Give(TimeSpan.FromHours(-2), TurnServer.Secret);
        var prolonged = $"{DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds()}:{User}";
        Assert.Equal(401, await turn.AllocateAsync(prolonged, old.Credential!));
    }

    private static IceServer Give(TimeSpan when, string secret)
    {
        ManualTime time = new();
        time.Advance(when);
        var options = new IceServerOptions { TurnUrls = "turn:127.0.0.1:3478", TurnSecret = secret, StunUrls = "", TurnLifetime = TimeSpan.FromHours(1) };
        return new IceServers(Options.Create(options), time).For(User).Single();
    }
}
