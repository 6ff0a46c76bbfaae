using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orleans.Configuration;
using Orleans.Runtime.Networking;
using Orleans.Serialization;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>Who may speak with the cluster.</summary>
public sealed class SecurityTests
{
    private static readonly PeerIdentity Silo = new("127.0.0.1:1@1", IsSilo: true);
    private static readonly PeerIdentity Client = new("client-1", IsSilo: false);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    /// <summary>What somebody sends in place of a proof.</summary>
    public enum Forgery
    {
        /// <summary>Nothing.</summary>
        None,

        /// <summary>As many bytes as a proof has.</summary>
        Random,

        /// <summary>The proof that the other side has just given.</summary>
        TheOthersOwn,
    }

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

    /// <summary>One that does not look whether the cluster knows the secret, as one who wants to get in would not.</summary>
    [Theory]
    [InlineData(Forgery.None)]
    [InlineData(Forgery.Random)]
    [InlineData(Forgery.TheOthersOwn)]
    public async Task Handshake_DiallerWhoProvesNothingAndGoesOn_IsRefused(Forgery forgery)
    {
        var (server, client) = await ConnectAsync();
        await using (client)
        await using (server)
        {
            var dialled = new Handshake("c", "secret").AcceptAsync(server, Silo, wantsSilo: false, CancellationToken.None);
            await WriteAsync(client, FrameKind.Hello, new Hello(Handshake.Protocol, "c", Client.Name, Client.IsSilo, "", new byte[32], []));
            var (kind, hello) = await ReadAsync(client);
            Assert.Equal(FrameKind.Hello, kind);
            await WriteAsync(client, FrameKind.Proof, new Hello(Handshake.Protocol, "c", Client.Name, Client.IsSilo, "", [], Forge(forgery, hello.Proof)));

            var refusal = await Assert.ThrowsAsync<ConnectionRefusedException>(() => dialled.WaitAsync(Deadline));
            Assert.Equal("The cluster's secret is another one.", refusal.Message);
            Assert.Equal(FrameKind.Refusal, (await ReadAsync(client)).Kind);
        }
    }

    /// <summary>One that would welcome everybody: a silo must not believe that it has reached its cluster.</summary>
    [Theory]
    [InlineData(Forgery.None)]
    [InlineData(Forgery.Random)]
    public async Task Handshake_DialledSideThatProvesNothingAndWelcomes_IsRefused(Forgery forgery)
    {
        var (server, client) = await ConnectAsync();
        await using (client)
        await using (server)
        {
            var dialler = new Handshake("c", "secret").DialAsync(client, Client, null, CancellationToken.None);
            Assert.Equal(FrameKind.Hello, (await ReadAsync(server)).Kind);
            await WriteAsync(server, FrameKind.Hello, new Hello(Handshake.Protocol, "c", Silo.Name, Silo.IsSilo, "", new byte[32], Forge(forgery, [])));
            await WriteAsync(server, FrameKind.Welcome, new Hello(Handshake.Protocol, "c", Silo.Name, Silo.IsSilo, "", [], []));

            var refusal = await Assert.ThrowsAsync<ConnectionRefusedException>(() => dialler.WaitAsync(Deadline));
            Assert.Equal($"{Silo} does not know the cluster's secret.", refusal.Message);
        }
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

    private static byte[] Forge(Forgery forgery, byte[] others) => forgery switch
    {
        Forgery.Random => RandomNumberGenerator.GetBytes(32),
        Forgery.TheOthersOwn => others,
        _ => [],
    };

    private static async Task WriteAsync(Stream stream, FrameKind kind, Hello hello)
    {
        var writer = FrameHeader.Begin();
        Codecs.Of<Hello>().Write(writer, 0, hello);
        new FrameHeader(kind, 0, 0, 0).End(writer);
        await stream.WriteAsync(writer.ToArray());
        writer.Return();
    }

    private static async Task<(FrameKind Kind, Hello Hello)> ReadAsync(Stream stream)
    {
        using var limit = new CancellationTokenSource(Deadline);
        var length = new byte[FrameHeader.LengthLength];
        await stream.ReadExactlyAsync(length, limit.Token);
        var frame = new byte[BinaryPrimitives.ReadInt32LittleEndian(length)];
        await stream.ReadExactlyAsync(frame, limit.Token);
        var reader = new Reader(frame.AsMemory(FrameHeader.Length - FrameHeader.LengthLength));
        Assert.True(reader.TryReadHeader(out _, out var type));
        return (FrameHeader.Read(frame).Kind, Codecs.Of<Hello>().Read(reader, type)!);
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
