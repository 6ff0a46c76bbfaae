using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>A host in Required mode with a secret and an issuer whose key set holds tempting keys beside the good ones.</summary>
public sealed class IdentityFixture : IAsyncLifetime
{
    internal static readonly byte[] PublishedOctKey = new byte[32];

    private readonly StoppedTime _time = new();

    internal TokenForge Forge { get; private set; } = null!;

    internal AuthHost Host { get; private set; } = null!;

    /// <summary>The whole frontend with the same keys and clock: the host above has no Socket.IO.</summary>
    internal FrontendApp Doors { get; private set; } = null!;

    internal JwksServer Issuer { get; private set; } = null!;

    /// <summary>A server that a forged header points to. Nothing may ever ask it.</summary>
    internal JwksServer Trap { get; private set; } = null!;

    internal System.Security.Cryptography.RSA WeakRsa { get; } = System.Security.Cryptography.RSA.Create(1024);

    internal System.Security.Cryptography.RSA EncryptionRsa { get; } = System.Security.Cryptography.RSA.Create(2048);

    public async Task InitializeAsync()
    {
        Forge = new TokenForge(_time);
        var encryption = TokenForge.Jwk(EncryptionRsa, "enc-1");
        encryption["use"] = "enc";
        Issuer = await JwksServer.StartAsync(
            TokenForge.Jwk(Forge.Rsa, TokenForge.RsaKeyId),
            TokenForge.Jwk(Forge.Ec, TokenForge.EcKeyId),
            TokenForge.Jwk(WeakRsa, "weak-1"),
            encryption,
            new() { ["kty"] = "oct", ["kid"] = "oct-1", ["alg"] = "HS256", ["k"] = TokenForge.Encode(PublishedOctKey) });
        Trap = await JwksServer.StartAsync(TokenForge.Jwk(Forge.AttackerRsa, "attacker-1"));
        Host = await AuthHost.StartAsync(_time, AuthDefaults.Server,
            ("JWT_SECRET", TokenForge.Secret),
            ("Auth:JwksUrl", Issuer.Url),
            ("Auth:Issuer", TokenForge.Issuer),
            ("Auth:Audience", TokenForge.Audience));
        Doors = await FrontendApp.StartAsync(
            _time,
            "Auth:Mode=Required",
            $"JWT_SECRET={TokenForge.Secret}",
            $"Auth:JwksUrl={Issuer.Url}",
            $"Auth:Issuer={TokenForge.Issuer}",
            $"Auth:Audience={TokenForge.Audience}");
    }

    public async Task DisposeAsync()
    {
        await Doors.DisposeAsync();
        await Host.DisposeAsync();
        await Issuer.DisposeAsync();
        await Trap.DisposeAsync();
        Forge.Dispose();
        WeakRsa.Dispose();
        EncryptionRsa.Dispose();
    }
}
