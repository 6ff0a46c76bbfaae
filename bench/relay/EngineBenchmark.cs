using System.Diagnostics;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Bench.Relay;

/// <summary>The engine alone: one native client speaks to ten others on one worker, without sockets.</summary>
internal sealed class EngineBenchmark : IDatagramSink, IRelayTransportListener
{
    private const int Listeners = 10;
    private const int Packets = 100_000;

    private readonly byte[] _out = new byte[Datagram.MaxSize];
    private long _sent;

    /// <summary>Packets forwarded a second of one core.</summary>
    public static double Measure(bool encrypted) => new EngineBenchmark().Run(encrypted);

    public Span<byte> Rent() => _out;

    public void Send(int length, in TransportAddress destination) => _sent++;

    public void OnStateChanged(RelayTransport transport, RelayTransportState state)
    {
    }

    private double Run(bool encrypted)
    {
        using DtlsContext dtls = new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
        MediaWorkerOptions options = new() { Announced = [TransportAddress.FromIPv4(1, 1)], Relay = new RelaySettings { Silence = long.MaxValue / 4 } };
        MediaWorker worker = new(options, dtls, this, this);
        var channel = Guid.NewGuid();
        var router = worker.CreateRouter(channel.ToString(), SilentRouterListener.Instance, 0).Value!;
        var buffer = new byte[Datagram.MaxSize];
        List<(RelayTransport Transport, RelayClient Client, TransportAddress Address)> peers = [];
        for (var i = 0; i <= Listeners; i++)
        {
            var user = Guid.NewGuid();
            byte[] session = Guid.NewGuid().ToByteArray(), key = Guid.NewGuid().ToByteArray();
            var transport = worker.CreateRelay(
                router, new RelayCredentials($"t{i}", RelayIdentity.Of(user, channel), (byte[])session.Clone(), (byte[])key.Clone()), this, 0).Value!;
            RelayClient client = new(user, channel, session, encrypted ? key : null);
            peers.Add((transport, client, TransportAddress.FromIPv4(2, (ushort)(1_000 + i))));
            worker.ReceiveRelay(buffer.AsSpan(0, client.WriteStart(buffer, 1)), peers[i].Address, 1);
        }

        peers[0].Transport.Produce("p", MediaKind.Audio, RelayParameters.Producer, false, 1);
        for (var i = 1; i <= Listeners; i++)
        {
            peers[i].Transport.Consume($"c{i}", "p", RelayParameters.Capabilities, false, 1);
        }

        // 160 bytes: Opus at 64 kbit/s. A DTX-free TOC of 20 ms, whose sound is not decoded more than 125 times a second.
        var opus = new byte[160];
        new Random(1).NextBytes(opus);
        opus[0] = 0xF8;
        var packets = new byte[Packets][];
        for (var i = 0; i < Packets; i++)
        {
            packets[i] = buffer[..peers[0].Client.WriteAudio(buffer, opus, 1_000 + i)];
        }

        var warm = Packets / 5;
        for (var i = 0; i < warm; i++)
        {
            worker.ReceiveRelay(packets[i], peers[0].Address, 2_000 + i);
        }

        var sent = _sent;
        var clock = Stopwatch.StartNew();
        for (var i = warm; i < Packets; i++)
        {
            worker.ReceiveRelay(packets[i], peers[0].Address, 2_000 + i);
        }

        return (_sent - sent) / clock.Elapsed.TotalSeconds;
    }
}
