using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orleans.Configuration;
using Orleans.Runtime.Networking;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>Who may speak with the cluster.</summary>
public sealed class SecurityTests
{
    private static readonly PeerIdentity Silo = new("127.0.0.1:1@1", IsSilo: true);
    private static readonly PeerIdentity Client = new("client-1", IsSilo: false);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Handshake_SameSecret_EachLearnsWhoTheOtherIs()
    {
        var (dialled, dialler) = await ShakeAsync(new Handshake("c", "secret"), new Handshake("c", "secret"), Silo.Name);

        Assert.Equal(Silo, await dialler);
        Assert.Equal(Client, await dialled);
    }

    [Theory]
    [InlineData("c", "another", null)]
    [InlineData("c", "", null)]
    [InlineData("d", "secret", null)]
    [InlineData("c", "secret", "127.0.0.1:1@2")]
    public async Task Handshake_WrongSecretClusterOrSilo_IsRefusedByBoth(string cluster, string secret, string? expected)
    {
        var (dialled, dialler) = await ShakeAsync(new Handshake("c", "secret"), new Handshake(cluster, secret), expected);

        await Assert.ThrowsAnyAsync<Exception>(() => dialler.WaitAsync(Deadline));
        await Assert.ThrowsAnyAsync<Exception>(() => dialled.WaitAsync(Deadline));
    }

    [Fact]
    public async Task Handshake_ClientAtThePortForSilos_IsRefused()
    {
        var (dialled, dialler) = await ShakeAsync(new Handshake("c", "s"), new Handshake("c", "s"), null, wantsSilo: true);

        var refusal = await Assert.ThrowsAsync<ConnectionRefusedException>(() => dialler.WaitAsync(Deadline));
        Assert.Equal("This port is for silos.", refusal.Message);
        await Assert.ThrowsAsync<ConnectionRefusedException>(() => dialled.WaitAsync(Deadline));
    }

    [Fact]
    public async Task Handshake_RandomBytes_EndItAndNothingElse()
    {
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var (server, client) = await ConnectAsync();
            await using (server)
            {
                var dialled = new Handshake("c", "s").AcceptAsync(server, Silo, wantsSilo: false, CancellationToken.None);
                var junk = new byte[random.Next(1, 200)];
                random.NextBytes(junk);
                await client.WriteAsync(junk);
                await client.DisposeAsync();
                var e = await Record.ExceptionAsync(() => dialled.WaitAsync(Deadline));
                Assert.True(e is OrleansException or IOException, $"{e}");
            }
        }
    }

    [Fact]
    public async Task Cluster_WithCertificates_CallsOverTls()
    {
        using var certificate = MakeCertificate();
        var builder = new InProcessTestClusterBuilder(2);
        builder.Options.ConnectionTransport = ConnectionTransportType.TcpSocket;
        builder.ConfigureSilo((_, silo) => silo.Configure<ClusterSecurityOptions>(Secure));
        builder.ConfigureClient(client => client.Configure<ClusterSecurityOptions>(Secure));
        await using var cluster = builder.Build();
        await cluster.DeployAsync();

        var places = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => cluster.Client.GetGrain<IPlaceGrain>(i).WhereAsync("over TLS")));

        Assert.Equal(2, places.Select(p => p.Silo).Distinct().Count());

        void Secure(ClusterSecurityOptions options)
        {
            options.Secret = "a secret of the test";
            options.Certificate = certificate;
        }
    }

    private static async Task<(Task<PeerIdentity> Dialled, Task<PeerIdentity> Dialler)> ShakeAsync(
        Handshake server, Handshake client, string? expected, bool wantsSilo = false)
    {
        var (serverStream, clientStream) = await ConnectAsync();
        var dialled = CloseAfterAsync(server.AcceptAsync(serverStream, Silo, wantsSilo, CancellationToken.None), serverStream);
        var dialler = CloseAfterAsync(client.DialAsync(clientStream, Client, expected, CancellationToken.None), clientStream);
        return (dialled, dialler);

        // As a connection that is refused is closed.
        static async Task<PeerIdentity> CloseAfterAsync(Task<PeerIdentity> handshake, Stream stream)
        {
            try
            {
                return await handshake;
            }
            catch
            {
                await stream.DisposeAsync();
                throw;
            }
        }
    }

    private static async Task<(Stream Server, Stream Client)> ConnectAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var connecting = client.ConnectAsync(listener.LocalEndpoint);
        var server = await listener.AcceptSocketAsync();
        await connecting;
        return (new NetworkStream(server, ownsSocket: true), new NetworkStream(client, ownsSocket: true));
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=voicecluster.test", key, HashAlgorithmName.SHA256);
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));

        // Through PKCS #12, because TLS servers want a key that is part of the certificate.
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
