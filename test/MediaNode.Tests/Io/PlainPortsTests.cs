using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Tests.Io;

/// <summary>Plain transports on a worker's thread, by real sockets.</summary>
public sealed class PlainPortsTests : IAsyncDisposable
{
    private const int BufferBytes = 4 * 1024 * 1024;
    private const int Receivers = 3;

    private readonly DtlsContext _dtls = new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
    private readonly List<Socket> _sockets = [];
    private WorkerThread? _thread;

    public async ValueTask DisposeAsync()
    {
        await _thread!.DisposeAsync();
        _sockets.ForEach(s => s.Dispose());
        _dtls.Dispose();
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, null)]
    [InlineData(false, "AEAD_AES_128_GCM")]
    [InlineData(false, "AES_CM_128_HMAC_SHA1_80")]
    public async Task Forwarding_ToPlainReceivers_EachHasEveryPacketInOrder(bool portable, string? suite)
    {
        var room = await OpenAsync(portable, suite);
        for (var i = 0; i < 2_000; i += 50)
        {
            Send(room, i, 50);
            ReadAll(room, i, 50);
        }

        Assert.Equal(0, _thread!.PlainPorts.SendFailures);
        Assert.InRange(_thread.PlainPorts.SendMessages, 1, 2_000 * Receivers + 100);
        Assert.False(await _thread.InvokeAsync((_, _) => _thread.PlainPorts.HasQueued));
    }

    [Fact]
    public async Task Forwarding_OverTheLinuxLoop_AllocatesNothingPerPacket()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var room = await OpenAsync(portable: false, "AEAD_AES_128_GCM");
        long before = 0;
        const int Packets = 10_000;
        for (var i = 0; i < Packets + 1_000; i += 50)
        {
            if (i == 1_000)
            {
                before = await _thread!.InvokeAsync((_, _) => Allocations.Begin());
            }

            Send(room, i, 50);
            ReadAll(room, i, 50);
        }

        // The two commands themselves allocate their completion; a byte a packet would be 10,000.
        Assert.InRange(await _thread!.InvokeAsync((_, _) => GC.GetAllocatedBytesForCurrentThread()) - before, 0, 4_096);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Close_OfATransport_FreesItsPortAtOnce(bool portable)
    {
        var room = await OpenAsync(portable, null);
        var port = (int)room.In.LocalAddress.Port;
        Send(room, 0, 10);

        await _thread!.InvokeAsync((_, now) =>
        {
            room.In.Close(now);
            return true;
        });

        using var again = PlainPort.Bind(new IPEndPoint(IPAddress.Loopback, port), 4_096);
        Assert.Equal(port, ((IPEndPoint)again.LocalEndPoint!).Port);
        Assert.True(_thread.IsAlive);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Dispose_Again_IsHarmless(bool portable)
    {
        var room = await OpenAsync(portable, null);
        Send(room, 0, 10);
        ReadAll(room, 0, 10);

        // A host disposes of what it has stopped.
        await _thread!.DisposeAsync();
        await _thread.DisposeAsync();

        using var again = PlainPort.Bind(new IPEndPoint(IPAddress.Loopback, room.In.LocalAddress.Port), 4_096);
        Assert.False(_thread.IsAlive);
    }

    private async Task<Room> OpenAsync(bool portable, string? suite)
    {
        IBatchSocket socket = portable || !OperatingSystem.IsLinux()
            ? new PortableUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes)
            : new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes);
        var worker = new MediaWorker(new MediaWorkerOptions { Announced = [TransportAddress.From(socket.LocalEndPoint)] }, _dtls, socket);
        _thread = new WorkerThread(0, socket, worker, new MonotonicClock(TimeProvider.System), NullLogger.Instance);
        _thread.Start();
        var sender = OpenSocket();
        var receivers = Enumerable.Range(0, Receivers).Select(_ => OpenSocket()).ToArray();
        var key = suite is null ? null : SrtpParameters.Create(suite);
        Assert.True(RtpParameters.TryParse(WorkerThreadTests.AudioParameters, out var parameters, out var error), error);
        var (into, outs) = await _thread.InvokeAsync((w, now) =>
        {
            var router = w.CreateRouter("room", SilentRouterListener.Instance, now).Value!;
            var into = OpenTransport(w, router, "in", suite, now);
            Assert.Null(into.Connect(new PlainConnectOptions(Address(sender), null, key), now));
            Assert.True(into.Produce("p", MediaKind.Audio, parameters, false, now).IsOk);
            var outs = receivers.Select((r, i) =>
            {
                var to = OpenTransport(w, router, $"out{i}", suite, now);
                Assert.Null(to.Connect(new PlainConnectOptions(Address(r), null, suite is null ? null : SrtpParameters.Create(suite)), now));
                Assert.True(to.Consume($"c{i}", "p", Router.RtpCapabilities, false, now).IsOk);
                return to;
            }).ToArray();
            return (into, outs);
        });
        return new Room(into, sender, receivers, key is null ? null : Protector(key), [.. outs.Select(o => o.SrtpParameters is { } theirs ? Opener(theirs) : null)]);
    }

    private PlainTransport OpenTransport(MediaWorker worker, Router router, string id, string? suite, long now)
    {
        var port = _thread!.PlainPorts.Open(new IPEndPoint(IPAddress.Loopback, 0), null, BufferBytes, isRtcp: false);
        var created = worker.CreatePlainTransport(router, id, new PlainTransportOptions { SrtpCryptoSuite = suite }, port, null, now);
        Assert.True(created.IsOk, created.Error);
        port.Transport = created.Value;
        return created.Value;
    }

    private static void Send(Room room, int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            var packet = room.Buffer;
            packet.Clear();
            packet[0] = 0x80;
            packet[1] = 111;
            BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)i);
            BinaryPrimitives.WriteUInt32BigEndian(packet[4..], (uint)i * 960);
            packet[11] = 7;
            packet[12] = 0x78;
            BinaryPrimitives.WriteInt32BigEndian(packet[16..], i);
            var length = room.Protector?.ProtectRtp(packet, 92) ?? 92;
            room.Sender.SendTo(packet[..length], SocketFlags.None, room.To);
        }
    }

    private static void ReadAll(Room room, int first, int count)
    {
        var buffer = room.Buffer;
        for (var r = 0; r < Receivers; r++)
        {
            for (var i = first; i < first + count;)
            {
                Assert.True(room.Receivers[r].Poll(20_000_000, SelectMode.SelectRead), $"Packet {i} did not come to receiver {r}.");
                var length = room.Receivers[r].Receive(buffer);
                if (DatagramKinds.Classify(buffer[..length]) != DatagramKind.Rtp)
                {
                    continue;
                }

                Assert.Equal(Media.DropReason.None, room.Openers[r]?.UnprotectRtp(buffer[..length], out length) ?? Media.DropReason.None);
                Assert.Equal(i++, BinaryPrimitives.ReadInt32BigEndian(buffer[(length - 76)..]));
            }
        }
    }

    private Socket OpenSocket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = BufferBytes };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _sockets.Add(socket);
        return socket;
    }

    private static TransportAddress Address(Socket socket) => TransportAddress.From((IPEndPoint)socket.LocalEndPoint!);

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

    private sealed class Room(PlainTransport into, Socket sender, Socket[] receivers, SrtpSender? protector, SrtpReceiver?[] openers)
    {
        private readonly byte[] _buffer = new byte[Datagram.MaxSize];

        public PlainTransport In => into;

        public SocketAddress To { get; } = into.LocalAddress.ToIPEndPoint().Serialize();

        public Socket Sender => sender;

        public Socket[] Receivers => receivers;

        public SrtpSender? Protector => protector;

        public SrtpReceiver?[] Openers => openers;

        public Span<byte> Buffer => _buffer;
    }
}
