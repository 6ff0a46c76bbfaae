using System.Text.Json;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Transports;

public sealed class WebRtcTransportTests : IDisposable
{
    private static readonly TransportAddress Stranger = TransportAddress.FromIPv4(0x0A0000FE, 6_666);

    private readonly MemoryNetwork _network = new();

    public void Dispose() => _network.Dispose();

    [Theory]
    [InlineData(DtlsRole.Client)]
    [InlineData(DtlsRole.Server)]
    public void Connect_EitherDtlsRole_BecomesConnected(DtlsRole clientRole)
    {
        var (transport, client) = _network.Connect("t", clientRole);

        Assert.Equal(
            [("t", WebRtcTransportState.Connecting), ("t", WebRtcTransportState.Connected)],
            _network.Listener.States);
        Assert.Equal(client.Address, transport.RemoteAddress);
        Assert.Equal(1, _network.Worker.Stats.DtlsHandshakesCompleted);
        Assert.Equal(0, _network.SentToNobody);
    }

    [Fact]
    public void Connect_HelloBeforeSignalling_CompletesOnceTheFingerprintComes()
    {
        var transport = _network.CreateTransport("t");
        var client = _network.CreateClient(transport);
        _network.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(WebRtcTransportState.Connecting, transport.State);

        Assert.Null(transport.Connect(client.Rtc.DtlsParameters, _network.Now));
        _network.RunUntil(() => transport.State == WebRtcTransportState.Connected && client.Rtc.IsConnected);
    }

    [Fact]
    public void Connect_Twice_IsRefused()
    {
        var transport = _network.CreateTransport("t");
        var client = _network.CreateClient(transport);

        Assert.Null(transport.Connect(client.Rtc.DtlsParameters, _network.Now));
        Assert.NotNull(transport.Connect(client.Rtc.DtlsParameters, _network.Now));
    }

    [Fact]
    public void Connect_LossyNetwork_BecomesConnected()
    {
        var transport = _network.CreateTransport("t");
        var client = _network.CreateClient(transport);
        Assert.Null(transport.Connect(client.Rtc.DtlsParameters, _network.Now));
        var count = 0;
        _network.Filter = (_, _, _) => ++count % 3 != 0;

        // OpenSSL times its retransmissions by the machine's clock.
        _network.RunInRealTimeUntil(() => client.Rtc.IsConnected && transport.State == WebRtcTransportState.Connected, TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void Dtls_HelloFromUnvalidatedTuple_IsDroppedAndTheHandshakeGoesOn()
    {
        // CVE-2023-49786, CVE-2023-51275: a stranger's hello must not take part in, nor end, the handshake.
        var transport = _network.CreateTransport("t");
        var client = _network.CreateClient(transport);
        Assert.Null(transport.Connect(client.Rtc.DtlsParameters, _network.Now));
        var hello = ClientHello();
        _network.Filter = (from, to, data) =>
        {
            if (from == client.Address && data[0] == 22)
            {
                _network.Worker.Receive(hello.ToArray(), Stranger, _network.Now);
            }

            Assert.NotEqual(Stranger, to);
            return true;
        };

        _network.RunUntil(() => transport.State == WebRtcTransportState.Connected);
        Assert.True(_network.Worker.Stats.Dropped(DropReason.DtlsRejected) > 0);
    }

    [Fact]
    public void Dtls_BadHelloFromTheValidatedTuple_NeverEndsTheSession()
    {
        var transport = _network.CreateTransport("t");
        var client = _network.CreateClient(transport);
        Assert.Null(transport.Connect(client.Rtc.DtlsParameters, _network.Now));
        var random = new Random(7);
        var injected = 0;
        _network.Filter = (from, _, data) =>
        {
            // A handshake record (22) that begins with a ClientHello (1).
            if (from == client.Address && data[0] == 22 && data[13] == 1)
            {
                for (; injected < 50; injected++)
                {
                    // The same record with its body spoilt, as a forger of the client's address would send it first.
                    var bad = data.ToArray();
                    random.NextBytes(bad.AsSpan(25));
                    _network.Worker.Receive(bad, from, _network.Now);
                }
            }

            return true;
        };

        _network.RunUntil(() => transport.State == WebRtcTransportState.Connected);
        Assert.True(injected > 0);
    }

    [Fact]
    public void Dtls_HelloIntoARunningSession_LeavesItAlone()
    {
        var (transport, client) = _network.Connect("t");

        _network.Inject(ClientHello(), client.Address, MemoryNetwork.ServerAddress);
        _network.Run(TimeSpan.FromSeconds(2));

        Assert.Equal(WebRtcTransportState.Connected, transport.State);
    }

    [Fact]
    public void Dtls_FingerprintMismatch_ClosesTheTransport()
    {
        var transport = _network.CreateTransport("t");
        var client = _network.CreateClient(transport);
        using var other = new DtlsContext(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
        var forged = client.Rtc.DtlsParameters with { Fingerprint = other.Certificate.Fingerprints[^1] };

        Assert.Null(transport.Connect(forged, _network.Now));
        _network.RunUntil(() => transport.IsClosed);

        Assert.Equal(("t", WebRtcTransportState.Closed), _network.Listener.States[^1]);
        Assert.Equal(0, _network.Worker.Stats.Transports);
        Assert.True(_network.Worker.Stats.DtlsHandshakesFailed > 0);
    }

    [Fact]
    public void Dtls_CloseNotifyOfTheClient_ClosesTheTransport()
    {
        var (transport, client) = _network.Connect("t");

        client.Rtc.Close();
        _network.RunUntil(() => transport.IsClosed);

        Assert.Equal(("t", WebRtcTransportState.Closed), _network.Listener.States[^1]);
    }

    [Fact]
    public void Rtp_FromAnotherSourceThanTheIceTuple_IsDropped()
    {
        // RTP bleed (ES2025-01): no latching on whoever sends first.
        var (transport, _) = _network.Connect("t");

        for (var i = 0; i < 100; i++)
        {
            _network.Inject(Rtp((ushort)i), Stranger, MemoryNetwork.ServerAddress);
        }

        _network.Run(TimeSpan.FromSeconds(1));

        Assert.Equal(100, _network.Worker.Stats.Dropped(DropReason.UnknownSource));
        Assert.NotEqual(Stranger, transport.RemoteAddress);
        Assert.Equal(WebRtcTransportState.Connected, transport.State);
    }

    [Fact]
    public void Datagrams_FromPort0_AreDroppedWhateverTheyAre()
    {
        var (transport, client) = _network.Connect("t");
        var nobody = client.Address with { Port = 0 };
        byte[]? check = null;
        _network.Filter = (_, to, datagram) =>
        {
            check ??= to == MemoryNetwork.ServerAddress && datagram[0] == 0 ? datagram : null;
            return true;
        };
        _network.RunUntil(() => check is not null);
        _network.Inject(check, nobody, MemoryNetwork.ServerAddress);
        _network.Inject(Rtp(1), nobody, MemoryNetwork.ServerAddress);
        _network.RunUntil(() => _network.Worker.Stats.Dropped(DropReason.UnknownSource) == 2);

        Assert.Equal(client.Address, transport.RemoteAddress);
        Assert.False(transport.Ice.IsValidTuple(nobody));
    }

    [Fact]
    public void Srtp_HundredBadPackets_OnlyCount()
    {
        // CVE-2021-41105.
        var (transport, client) = _network.Connect("t");

        for (var i = 0; i < 100; i++)
        {
            _network.Inject(Rtp((ushort)i), client.Address, MemoryNetwork.ServerAddress);
        }

        _network.Run(TimeSpan.FromSeconds(1));

        Assert.Equal(100, transport.Stats.Dropped(DropReason.SrtpAuthentication));
        Assert.Equal(WebRtcTransportState.Connected, transport.State);
        Assert.True(client.Rtc.SendRtp(Rtp(1)));
    }

    [Fact]
    public void Srtp_BeforeDtls_IsDropped()
    {
        var transport = _network.CreateTransport("t");
        var client = _network.CreateClient(transport);
        _network.RunUntil(() => transport.State == WebRtcTransportState.Connecting);

        _network.Inject(Rtp(1), client.Address, MemoryNetwork.ServerAddress);
        _network.Run(TimeSpan.FromMilliseconds(50));

        Assert.Equal(1, transport.Stats.Dropped(DropReason.NotConnected));
    }

    [Fact]
    public void Stun_UnknownFragment_GetsNoAnswer()
    {
        var transport = _network.CreateTransport("t");
        var client = _network.CreateClient(transport);
        transport.Close(_network.Now);

        var answers = 0;
        _network.Filter = (_, to, _) =>
        {
            answers += to == client.Address ? 1 : 0;
            return true;
        };
        _network.Run(TimeSpan.FromSeconds(5));

        Assert.Equal(0, answers);
        Assert.True(_network.Worker.Stats.Dropped(DropReason.StunUnauthenticated) > 0);
    }

    [Fact]
    public void Ice_Restart_KeepsTheAssociation()
    {
        var (transport, client) = _network.Connect("t");

        client.Rtc.RestartIce(RemoteTransport.ParseIce(transport.RestartIce()), _network.Now);
        _network.RunUntil(() => client.Rtc.IceState == Media.Ice.IceClientState.Connected);
        _network.Run(TimeSpan.FromSeconds(60));

        Assert.Equal(WebRtcTransportState.Connected, transport.State);
        Assert.Equal(1, _network.Worker.Stats.DtlsHandshakesCompleted);
    }

    [Fact]
    public void Ice_Silence_DisconnectsAndThenCloses()
    {
        var (transport, client) = _network.Connect("t");
        _network.Silence(client);

        _network.Run(TimeSpan.FromSeconds(16));
        Assert.Equal(WebRtcTransportState.Disconnected, transport.State);
        Assert.False(transport.IsClosed);

        _network.Run(TimeSpan.FromSeconds(16));
        Assert.True(transport.IsClosed);
        Assert.Equal(1, _network.Worker.Stats.ConsentExpired);
        client.Rtc.Dispose();
    }

    [Fact]
    public void Close_AnyState_LeavesNothingInTheWorker()
    {
        for (var i = 0; i < 100; i++)
        {
            var (transport, client) = _network.Connect($"t{i}");
            transport.Close(_network.Now);
            _network.Run(TimeSpan.FromMilliseconds(20));
            Assert.Contains(DtlsEventKind.ClosedByPeer, client.DtlsEvents);
        }

        Assert.Equal(0, _network.Worker.Stats.Transports);
        Assert.Empty(_network.Router.Transports);
    }

    [Fact]
    public void Create_PastTheLimit_IsRefused()
    {
        using var network = new MemoryNetwork(new MediaWorkerOptions { Announced = [MemoryNetwork.ServerAddress], MaxTransports = 1 });
        network.CreateTransport("a");

        var second = network.Worker.CreateTransport(network.Router, "b", network.Listener, network.Now);

        Assert.Equal(MediaFault.Full, second.Fault);
    }

    [Fact]
    public void Description_IsMediasoupsJson()
    {
        using var json = JsonDocument.Parse(_network.CreateTransport("t").DescriptionJson);
        var root = json.RootElement;

        Assert.Equal("t", root.GetProperty("id").GetString());
        Assert.True(root.GetProperty("iceParameters").GetProperty("iceLite").GetBoolean());
        Assert.Equal("auto", root.GetProperty("dtlsParameters").GetProperty("role").GetString());
        Assert.Equal("sha-256", root.GetProperty("dtlsParameters").GetProperty("fingerprints").EnumerateArray().Last().GetProperty("algorithm").GetString());
        var candidate = Assert.Single(root.GetProperty("iceCandidates").EnumerateArray());
        Assert.Equal("10.0.0.1", candidate.GetProperty("ip").GetString());
        Assert.Equal("10.0.0.1", candidate.GetProperty("address").GetString());
        Assert.Equal(10_000, candidate.GetProperty("port").GetInt32());
        Assert.Equal("udp", candidate.GetProperty("protocol").GetString());
        Assert.Equal("host", candidate.GetProperty("type").GetString());
        Assert.Equal(2_130_706_431, candidate.GetProperty("priority").GetInt64());
    }

    private static byte[] Rtp(ushort sequence)
    {
        var packet = new byte[60];
        packet[0] = 0x80;
        packet[1] = 111;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), sequence);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), 0x1234);
        return packet;
    }

    /// <summary>The first flight of a client that nobody knows.</summary>
    private static byte[] ClientHello()
    {
        using var context = new DtlsContext(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
        using var connection = new DtlsConnection(context, DtlsRole.Client, 0);
        var hello = new byte[DtlsConnection.MaxDatagram];
        return hello[..connection.TakeDatagram(hello)];
    }
}
