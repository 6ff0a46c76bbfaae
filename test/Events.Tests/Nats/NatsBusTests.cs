using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VoiceCluster.Events.Nats;
using VoiceCluster.Events.Tests.Outbox;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Events.Tests.Nats;

public sealed class NatsBusTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-events-").FullName;
    private SqliteDatabase _database = null!;

    public Task InitializeAsync()
    {
        _database = new SqliteDatabase(Path.Combine(_folder, "events.db"));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Connect_WithPassword_IsLetIn()
    {
        await using var nats = await NatsServerProcess.StartNewAsync(false, "--user", "voice", "--pass", "s3cret");
        await using var bridge = await StartAsync($"nats://voice:s3cret@127.0.0.1:{nats.Port}");
        await bridge.IsUpAsync();
    }

    [Fact]
    public async Task Connect_WithAWrongPassword_IsAwayAndReadyAllTheSame()
    {
        await using var nats = await NatsServerProcess.StartNewAsync(false, "--user", "voice", "--pass", "s3cret");
        await using var bridge = await StartAsync($"nats://voice:wrong@127.0.0.1:{nats.Port}");
        await Eventually.TrueAsync(
            () => bridge.Metrics.Write().Contains("voicecluster_events_nats_connect_failures_total", StringComparison.Ordinal), "the attempt is counted");
        var state = bridge.Readiness.Check();
        Assert.True(state.IsReady);
        Assert.Contains("NATS is away", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_FirstOfTwoServersIsGone_TakesTheSecond()
    {
        await using var nats = await NatsServerProcess.StartNewAsync();
        await using var bridge = await StartAsync($"nats://127.0.0.1:{NatsServerProcess.FreePort()},{nats.Url}");
        await bridge.IsUpAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Connect_ByTls_TrustsOnlyTheNamedAuthority(bool isTrusted)
    {
        var (authority, certificate, key) = WriteCertificates();
        await using var nats = await NatsServerProcess.StartNewAsync(false, "--tls", "--tlscert", certificate, "--tlskey", key);
        await using var bridge = await Bridge.StartAsync(
            $"tls://localhost:{nats.Port}",
            new SqliteStateStore(_database),
            ("Events:CaFile", isTrusted ? authority : WriteCertificates().Authority));
        if (isTrusted)
        {
            await bridge.IsUpAsync();
        }
        else
        {
            await Eventually.TrueAsync(
                () => bridge.Metrics.Write().Contains("voicecluster_events_nats_connect_failures_total", StringComparison.Ordinal), "the attempt is counted");
            Assert.NotNull(bridge.Readiness.Check().Reason);
        }
    }

    [Theory]
    [InlineData("nats://h", "h:4222")]
    [InlineData("h:5", "h:5")]
    [InlineData(" nats://u:p%40@a:1 , nats://b:2/ ", "a:1 b:2")]
    [InlineData("tls://a:1,tls://b", "a:1 b:4222")]
    public void TryParseList_Addresses_AreRead(string text, string servers)
    {
        Assert.True(NatsServer.TryParseList(text, out var found, out _));
        Assert.Equal(servers, string.Join(' ', found.Select(s => s.ToString())));
    }

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("http://h:1")]
    [InlineData("nats://")]
    [InlineData("nats://u:s3cret@h:70000")]
    [InlineData("nats://u:s3cret@h:1/path")]
    [InlineData("nats://u:s3cret@h:1,tls://h:2")]
    public void TryParseList_AnythingElse_IsRefusedWithoutShowingPasswords(string text)
    {
        Assert.False(NatsServer.TryParseList(text, out _, out var error));
        Assert.StartsWith("NATS_URL", error, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_EveryFault_IsNamedAtOnce()
    {
        var options = new EventsOptions
        {
            Url = "http://h",
            CaFile = "/nowhere",
            ConnectTimeout = default,
            AckTimeout = default,
            MaxRetryDelay = default,
            PollPeriod = default,
            LeaseDuration = default,
            BatchSize = 0,
            MaxWaitingEvents = 0,
            MaxTransientEvents = 0,
            MaxInboundMessages = 0,
        };
        Assert.Equal(11, options.Validate().Count());
        Assert.Empty(new EventsOptions { Url = "nats://h" }.Validate());
    }

    private (string Authority, string Certificate, string Key) WriteCertificates()
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var signing = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        signing.CertificateExtensions.Add(names.Build());
        using var certificate = signing.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3]);
        var name = Path.Combine(_folder, Guid.NewGuid().ToString("N"));
        File.WriteAllText($"{name}-ca.pem", authority.ExportCertificatePem());
        File.WriteAllText($"{name}.pem", certificate.ExportCertificatePem());
        File.WriteAllText($"{name}.key", key.ExportPkcs8PrivateKeyPem());
        return ($"{name}-ca.pem", $"{name}.pem", $"{name}.key");
    }

    private Task<Bridge> StartAsync(string url) => Bridge.StartAsync(url, new SqliteStateStore(_database));
}
