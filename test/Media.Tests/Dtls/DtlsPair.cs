using System.Diagnostics;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Media.Tests.Dtls;

/// <summary>A client and a server joined by two queues that a test may tamper with.</summary>
internal sealed class DtlsPair : IDisposable
{
    private readonly DtlsContext _clientContext;
    private readonly DtlsContext _serverContext;

    public DtlsPair(IReadOnlyList<SrtpProfile>? clientProfiles = null, IReadOnlyList<SrtpProfile>? serverProfiles = null)
    {
        // Short, so that simulated loss does not cost a test real seconds: OpenSSL measures by its own clock.
        var retransmit = TimeSpan.FromMilliseconds(20);
        ClientCertificate = DtlsCertificate.Create(DateTimeOffset.UtcNow);
        ServerCertificate = DtlsCertificate.Create(DateTimeOffset.UtcNow);
        _clientContext = new DtlsContext(ClientCertificate, clientProfiles) { InitialRetransmit = retransmit };
        _serverContext = new DtlsContext(ServerCertificate, serverProfiles) { InitialRetransmit = retransmit };
        Client = new DtlsConnection(_clientContext, DtlsRole.Client, Now, ServerCertificate.Fingerprints[^1]);
        Server = new DtlsConnection(_serverContext, DtlsRole.Server, Now, ClientCertificate.Fingerprints[^1]);
    }

    public static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

    public DtlsCertificate ClientCertificate { get; }

    public DtlsCertificate ServerCertificate { get; }

    public DtlsConnection Client { get; set; }

    public DtlsConnection Server { get; set; }

    /// <summary>What happens to a datagram: the ones that arrive for it, in order.</summary>
    public Func<byte[], IEnumerable<byte[]>> Network { get; set; } = static datagram => [datagram];

    public int Datagrams { get; private set; }

    public DtlsConnection NewServer(DtlsFingerprint? fingerprint) => new(_serverContext, DtlsRole.Server, Now, fingerprint);

    public DtlsConnection NewClient(DtlsFingerprint? fingerprint) => new(_clientContext, DtlsRole.Client, Now, fingerprint);

    /// <summary>Carries datagrams and fires timers until a condition holds; fails the test after 20 s.</summary>
    public void RunUntil(Func<bool> done)
    {
        var deadline = Now + 20_000_000;
        while (!done())
        {
            Assert.True(Now < deadline, $"client {Client.State} {Client.LastError}, server {Server.State} {Server.LastError}");
            if (!Exchange())
            {
                Client.HandleTimeout(Now);
                Server.HandleTimeout(Now);
            }
        }
    }

    /// <summary>Carries what is there one way and then the other. False when there was nothing.</summary>
    public bool Exchange() => Carry(Client, Server) | Carry(Server, Client);

    public static List<byte[]> Take(DtlsConnection from)
    {
        var all = new List<byte[]>();
        var buffer = new byte[DtlsConnection.MaxDatagram];
        for (int length; (length = from.TakeDatagram(buffer)) > 0;)
        {
            all.Add(buffer[..length]);
        }

        return all;
    }

    public static List<DtlsEventKind> Events(DtlsConnection connection)
    {
        var events = new List<DtlsEventKind>();
        while (connection.TryTakeEvent(out var kind))
        {
            events.Add(kind);
        }

        return events;
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
        _clientContext.Dispose();
        _serverContext.Dispose();
    }

    private bool Carry(DtlsConnection from, DtlsConnection to)
    {
        var sent = Take(from);
        foreach (var datagram in sent)
        {
            Datagrams++;
            Assert.InRange(datagram.Length, 1, DtlsConnection.MaxDatagram);
            foreach (var arrived in Network(datagram))
            {
                to.Receive(arrived, Now);
            }
        }

        return sent.Count > 0;
    }
}
