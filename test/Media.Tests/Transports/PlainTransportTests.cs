using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Tests.Simulation;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Transports;

public sealed class PlainTransportTests : IDisposable
{
    private static readonly TransportAddress Sender = TransportAddress.FromIPv4(0x7F000001, 5_000);
    private static readonly TransportAddress Receiver = TransportAddress.FromIPv4(0x7F000001, 6_000);
    private static readonly TransportAddress ReceiverRtcp = TransportAddress.FromIPv4(0x7F000001, 6_001);
    private static readonly TransportAddress Stranger = TransportAddress.FromIPv4(0x7F000001, 7_000);
    private readonly MemoryNetwork _network = new();
    private int _transports;

    public void Dispose() => _network.Dispose();

    [Fact]
    public void Rtp_OfAConnectedSender_ReachesTheReceiver_WithItsTimestamps()
    {
        var (from, _, _) = Open(new PlainTransportOptions());
        var (to, heard, _) = Open(new PlainTransportOptions());
        Assert.Null(from.Connect(new PlainConnectOptions(Sender, null, null), _network.Now));
        Assert.Null(to.Connect(new PlainConnectOptions(Receiver, null, null), _network.Now));
        Pass(from, to);

        for (var i = 0; i < 10; i++)
        {
            Give(from, MediaFixtures.Opus(1, (ushort)(100 + i), (uint)(i * 960)), Sender);
        }

        var media = heard.Sent.Where(d => !IsRtcp(d.Data)).ToArray();
        Assert.Equal(10, media.Length);
        Assert.All(media, d => Assert.Equal(Receiver, d.To));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (uint)(i * 960)), media.Select(d => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(d.Data.AsSpan(4))));
        Assert.Equal(10, from.Stats.RtpPacketsReceived);
        Assert.Equal(10, to.Stats.RtpPacketsSent);
    }

    [Fact]
    public void Rtp_FromElsewhere_IsDroppedAndCounted()
    {
        var (from, _, _) = Open(new PlainTransportOptions());
        var (to, heard, _) = Open(new PlainTransportOptions());
        Give(from, MediaFixtures.Opus(1, 1, 0), Sender);
        from.Connect(new PlainConnectOptions(Sender, null, null), _network.Now);
        to.Connect(new PlainConnectOptions(Receiver, null, null), _network.Now);
        Pass(from, to);

        Give(from, MediaFixtures.Opus(1, 2, 960), Stranger);
        Give(from, [0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], Sender);
        Give(from, [], Sender);

        Assert.DoesNotContain(heard.Sent, d => !IsRtcp(d.Data));
        Assert.Equal(2, from.Stats.Drops[(int)DropReason.UnknownSource]);
        Assert.Equal(2, from.Stats.Drops[(int)DropReason.UnknownProtocol]);
    }

    [Fact]
    public void Comedia_TakesTheFirstSenderOfValidRtp_AndNoOther()
    {
        var (from, _, _) = Open(new PlainTransportOptions { Comedia = true });
        var (to, heard, _) = Open(new PlainTransportOptions());
        to.Connect(new PlainConnectOptions(Receiver, null, null), _network.Now);
        Pass(from, to);
        Assert.False(from.IsConnected);

        // A header that claims more than there is.
        Give(from, [0x8F, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1], Stranger);
        Assert.Null(from.RemoteAddress);
        Give(from, MediaFixtures.Opus(1, 1, 0), Sender);
        Give(from, MediaFixtures.Opus(1, 2, 960), Stranger);

        Assert.Equal(Sender, from.RemoteAddress);
        Assert.Single(heard.Sent, d => !IsRtcp(d.Data));
        Assert.NotNull(from.Connect(new PlainConnectOptions(Stranger, null, null), _network.Now));
    }

    [Fact]
    public void Port0_IsNobodysAddress()
    {
        var nobody = Sender with { Port = 0 };
        var (from, _, _) = Open(new PlainTransportOptions { Comedia = true });
        Give(from, MediaFixtures.Opus(1, 1, 0), nobody);
        Assert.Null(from.RemoteAddress);
        Assert.Equal(1, from.Stats.Drops[(int)DropReason.UnknownSource]);
        var (to, _, _) = Open(new PlainTransportOptions());
        Assert.Contains("port", to.Connect(new PlainConnectOptions(nobody, null, null), _network.Now));
        Assert.Null(to.Connect(new PlainConnectOptions(Receiver, null, null), _network.Now));
    }

    [Fact]
    public void Comedia_ThatFoundAnAddressByRtcp_LetsRtpDecide()
    {
        var (from, _, _) = Open(new PlainTransportOptions { Comedia = true });
        Assert.True(from.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, _network.Now).IsOk);
        byte[] report = [0x80, 201, 0, 1, 0, 0, 0, 9];

        Give(from, report, Stranger);
        Assert.Equal(Stranger, from.RemoteAddress);
        Give(from, MediaFixtures.Opus(1, 1, 0), Sender);
        Give(from, MediaFixtures.Opus(1, 2, 960), Stranger);

        Assert.Equal(Sender, from.RemoteAddress);
        Assert.Equal(1, from.Stats.RtpPacketsReceived);
    }

    [Theory]
    [InlineData("AES_CM_128_HMAC_SHA1_80")]
    [InlineData("AEAD_AES_128_GCM")]
    [InlineData("AEAD_AES_256_GCM")]
    public void Srtp_IsOpenedAndMadeAnew_AndNobodyWithoutTheKeyIsHeard(string suite)
    {
        var (from, _, _) = Open(new PlainTransportOptions { Comedia = true, SrtpCryptoSuite = suite });
        var (to, heard, _) = Open(new PlainTransportOptions { SrtpCryptoSuite = suite });
        var senders = SrtpParameters.Create(suite);
        var receivers = SrtpParameters.Create(suite);
        Pass(from, to);
        Give(from, MediaFixtures.Opus(1, 1, 0), Stranger);
        Assert.Equal(1, from.Stats.Drops[(int)DropReason.NotConnected]);
        Assert.NotNull(to.Connect(new PlainConnectOptions(Receiver, null, null), _network.Now));
        Assert.Null(from.Connect(new PlainConnectOptions(null, null, senders), _network.Now));
        Assert.Null(to.Connect(new PlainConnectOptions(Receiver, null, receivers), _network.Now));

        using var protector = Protector(senders);
        Give(from, Protect(protector, MediaFixtures.Opus(1, 1, 0)), Sender);
        var copy = Protect(protector, MediaFixtures.Opus(1, 2, 960));
        var forged = (byte[])copy.Clone();
        forged[^1] ^= 1;
        Give(from, forged, Sender);
        Give(from, (byte[])copy.Clone(), Sender);
        Give(from, copy, Sender);
        Give(from, MediaFixtures.Opus(1, 3, 1920), Sender);

        var media = heard.Sent.Where(d => !IsRtcp(d.Data)).ToArray();
        Assert.Equal(2, media.Length);
        using var opener = Opener(to.SrtpParameters!);
        Assert.All(media, d => Assert.Equal(DropReason.None, opener.UnprotectRtp(d.Data, out _)));
        Assert.Equal(1, from.Stats.Drops[(int)DropReason.SrtpReplay]);
        Assert.Equal(1, from.Stats.Drops[(int)DropReason.SrtpAuthentication]);

        // In the clear there is no room for a tag.
        Assert.Equal(1, from.Stats.Drops[(int)DropReason.SrtpMalformed]);
    }

    [Fact]
    public void Connect_WithAnotherSuite_MakesAKeyOfThatSuite()
    {
        var (plain, _, _) = Open(new PlainTransportOptions { SrtpCryptoSuite = "AES_CM_128_HMAC_SHA1_80" });

        Assert.Null(plain.Connect(new PlainConnectOptions(Receiver, null, SrtpParameters.Create("AEAD_AES_256_GCM")), _network.Now));

        Assert.Equal("AEAD_AES_256_GCM", plain.SrtpParameters!.CryptoSuite);
        Assert.True(plain.SrtpParameters.TryRead(out _, out _));
        Assert.True(plain.IsConnected);
    }

    [Fact]
    public void Rtcp_WithAPortOfItsOwn_GoesThereAndComesFromThere()
    {
        var (from, _, _) = Open(new PlainTransportOptions());
        var (to, heard, rtcp) = Open(new PlainTransportOptions { RtcpMux = false });
        from.Connect(new PlainConnectOptions(Sender, null, null), _network.Now);
        Assert.NotNull(to.Connect(new PlainConnectOptions(Receiver, null, null), _network.Now));
        Assert.Null(to.Connect(new PlainConnectOptions(Receiver, ReceiverRtcp, null), _network.Now));
        Pass(from, to);
        for (var i = 0; i < 100; i++)
        {
            Give(from, MediaFixtures.Opus(1, (ushort)i, (uint)(i * 960)), Sender);
            _network.Run(TimeSpan.FromMilliseconds(20));
        }

        Assert.NotEmpty(rtcp!.Sent);
        Assert.All(rtcp.Sent, d => Assert.True(IsRtcp(d.Data) && d.To == ReceiverRtcp));
        Assert.DoesNotContain(heard.Sent, d => IsRtcp(d.Data));

        byte[] report = [0x80, 201, 0, 1, 0, 0, 0, 9];
        _network.Worker.ReceivePlain(to, (byte[])report.Clone(), ReceiverRtcp, true, _network.Now);
        _network.Worker.ReceivePlain(to, (byte[])report.Clone(), Receiver, true, _network.Now);
        _network.Worker.ReceivePlain(to, (byte[])report.Clone(), Receiver, false, _network.Now);
        Assert.Equal(1, to.Stats.RtcpPacketsReceived);
        Assert.Equal(1, to.Stats.Drops[(int)DropReason.UnknownSource]);
        Assert.Equal(1, to.Stats.Drops[(int)DropReason.UnknownProtocol]);
    }

    [Fact]
    public void Create_WithAnUnknownSuiteOrAPortTooFew_IsRefused()
    {
        Assert.Equal(MediaFault.Invalid, _network.Worker.CreatePlainTransport(_network.Router, "x", new PlainTransportOptions { SrtpCryptoSuite = "ROT13" }, new MemoryPort(), null, _network.Now).Fault);
        Assert.Equal(MediaFault.Invalid, _network.Worker.CreatePlainTransport(_network.Router, "x", new PlainTransportOptions { RtcpMux = false }, new MemoryPort(), null, _network.Now).Fault);
        Assert.Equal(0, _network.Worker.Stats.PlainTransports);
    }

    [Fact]
    public void Close_FreesThePorts_AndIsCountedNoMore()
    {
        var (plain, port, rtcp) = Open(new PlainTransportOptions { RtcpMux = false });
        Assert.Equal(1, _network.Worker.Stats.PlainTransports);

        _network.Worker.CloseRouter(_network.Router, _network.Now);

        Assert.True(plain.IsClosed);
        Assert.True(port.IsClosed && rtcp!.IsClosed);
        Assert.Equal(0, _network.Worker.Stats.PlainTransports);
        Give(plain, MediaFixtures.Opus(1, 1, 0), Sender);
    }

    [Fact]
    public void Forwarding_BetweenPlainTransportsWithSrtp_AllocatesNothing()
    {
        const string Suite = "AES_CM_128_HMAC_SHA1_80";
        var (from, _, _) = Open(new PlainTransportOptions { SrtpCryptoSuite = Suite });
        var (to, heard, _) = Open(new PlainTransportOptions { SrtpCryptoSuite = Suite });
        var key = SrtpParameters.Create(Suite);
        from.Connect(new PlainConnectOptions(Sender, null, key), _network.Now);
        to.Connect(new PlainConnectOptions(Receiver, null, SrtpParameters.Create(Suite)), _network.Now);
        Pass(from, to);
        heard.IsDeaf = true;
        using var protector = Protector(key);
        var packets = Enumerable.Range(0, 11_000).Select(i => Protect(protector, MediaFixtures.Opus(1, (ushort)i, (uint)(i * 960)))).ToArray();
        for (var i = 0; i < 1_000; i++)
        {
            _network.Worker.ReceivePlain(from, packets[i], Sender, false, _network.Now);
        }

        var before = Allocations.Begin();
        for (var i = 1_000; i < packets.Length; i++)
        {
            _network.Worker.ReceivePlain(from, packets[i], Sender, false, _network.Now);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(11_000, to.Stats.RtpPacketsSent);
    }

    private static bool IsRtcp(byte[] datagram) => DatagramKinds.Classify(datagram) == DatagramKind.Rtcp;

    private static SrtpSender Protector(SrtpParameters parameters)
    {
        Assert.True(parameters.TryRead(out var profile, out var key));
        return new SrtpSender(profile, key.AsSpan(0, profile.KeyLength()), key.AsSpan(profile.KeyLength()));
    }

    private static SrtpReceiver Opener(SrtpParameters parameters)
    {
        Assert.True(parameters.TryRead(out var profile, out var key));
        return new SrtpReceiver(profile, key.AsSpan(0, profile.KeyLength()), key.AsSpan(profile.KeyLength()));
    }

    private static byte[] Protect(SrtpSender sender, byte[] packet)
    {
        var buffer = new byte[packet.Length + 64];
        packet.CopyTo(buffer, 0);
        return buffer[..sender.ProtectRtp(buffer, packet.Length)];
    }

    private void Give(PlainTransport transport, byte[] datagram, TransportAddress from) =>
        _network.Worker.ReceivePlain(transport, datagram, from, false, _network.Now);

    private void Pass(PlainTransport from, PlainTransport to)
    {
        Assert.True(from.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, _network.Now).IsOk);
        Assert.True(to.Consume("c", "p", Router.RtpCapabilities, false, _network.Now).IsOk);
    }

    private (PlainTransport Transport, MemoryPort Port, MemoryPort? Rtcp) Open(PlainTransportOptions options)
    {
        var (port, rtcp) = (new MemoryPort(), options.RtcpMux ? null : new MemoryPort());
        var created = _network.Worker.CreatePlainTransport(_network.Router, $"t{_transports++}", options, port, rtcp, _network.Now);
        Assert.True(created.IsOk, created.Error);
        return (created.Value, port, rtcp);
    }

    private sealed class MemoryPort : IPlainPort
    {
        private readonly byte[] _room = new byte[Datagram.MaxSize];

        public TransportAddress Local { get; } = TransportAddress.FromIPv4(0x7F000001, 4_000);

        public List<(byte[] Data, TransportAddress To)> Sent { get; } = [];

        public bool IsDeaf { get; set; }

        public bool IsClosed { get; private set; }

        public Span<byte> Rent() => _room;

        public void Send(int length, in TransportAddress destination)
        {
            if (!IsDeaf)
            {
                Sent.Add((_room[..length], destination));
            }
        }

        public void Close() => IsClosed = true;
    }
}
