using VoiceCluster.Clustering.Resp;

namespace VoiceCluster.Clustering.Tests.Resp;

public sealed class RespTlsTests(TlsRedisServer server) : IClassFixture<TlsRedisServer>
{
    [Fact]
    public async Task Tls_WithATrustedAuthorityAndAClientCertificate_Works()
    {
        await using var client = server.Connect();
        Assert.Equal("PONG", (await client.ExecuteAsync(true, "PING")).Text);
    }

    [Fact]
    public async Task Tls_WithAServerOfAnUnknownAuthority_IsRefused()
    {
        using var stranger = TlsRedisServer.Stranger();
        await AssertRefusedAsync(a => a, o => o with { TrustedCertificates = [stranger] }, "certificate");
        await AssertRefusedAsync(a => a, o => o with { TrustedCertificates = null }, "certificate");
    }

    [Fact]
    public Task Tls_WithACertificateOfAnotherName_IsRefused() =>
        AssertRefusedAsync(a => a with { TlsHost = "redis.example" }, o => o, "certificate");

    [Fact]
    public Task Tls_WithoutTheClientCertificateThatTheServerWants_IsRefused() =>
        AssertRefusedAsync(a => a, o => o with { ClientCertificate = null }, "is away", TimeSpan.FromSeconds(1));

    [Fact]
    public Task Tls_WithoutTls_IsRefused() => AssertRefusedAsync(a => a with { UseTls = false }, o => o, "is away", TimeSpan.FromSeconds(1));

    private async Task AssertRefusedAsync(Func<RedisAddress, RedisAddress> address, Func<RespClientOptions, RespClientOptions> options, string reason, TimeSpan? timeout = null)
    {
        await using var client = server.Connect(address, o => options(o) with { CommandTimeout = timeout ?? o.CommandTimeout });
        var error = await Assert.ThrowsAsync<RespException>(() => client.ExecuteAsync(true, "PING").InTime());
        Assert.Contains(reason, error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(TlsRedisServer.Password, error.ToString(), StringComparison.Ordinal);
    }
}
