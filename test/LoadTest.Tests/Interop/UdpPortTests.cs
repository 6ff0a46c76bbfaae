using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using VoiceCluster.LoadTest.Interop.Linux;
using VoiceCluster.LoadTest.Media;
using VoiceCluster.Media.Net;

namespace VoiceCluster.LoadTest.Tests.Interop;

/// <summary>Real sockets on loopback.</summary>
public sealed class UdpPortTests : IDisposable
{
    /// <summary>SOL_UDP and UDP_SEGMENT of linux/udp.h.</summary>
    private const int SolUdp = 17;
    private const int UdpSegment = 103;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    public UdpPortTests() => _server.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    public void Dispose() => _server.Dispose();

    [Fact]
    public void Take_DatagramThatWaited_HasTheTimeOfItsArrival()
    {
        Assert.True(UdpPort.CanStamp());
        using var port = Open(stamps: true);
        using var batch = new ReceiveBatch();
        var client = Greet(port);

        // The kernel begins to note times soon after the first socket has asked for it; until then it takes that of the reading.
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var before = MediaLoop.UnixTicks;
            _server.SendTo(new byte[172], client);
            var after = MediaLoop.UnixTicks;
            SpinWait.SpinUntil(() => MediaLoop.UnixTicks > after + TimeSpan.TicksPerMillisecond);

            Assert.Equal(1, Receive(port, batch));
            var data = batch.Take(0, out var arrived, out var segment);

            Assert.Equal((172, 172), (data.Length, segment));
            if (arrived >= before && arrived <= after)
            {
                return;
            }

            Assert.True(watch.Elapsed < Deadline, $"Sent between {before} and {after}, arrived {arrived}.");
        }
    }

    [Fact]
    public void Take_WithoutStamps_HasNoTime()
    {
        using var port = Open(stamps: false);
        using var batch = new ReceiveBatch();
        _server.SendTo(new byte[100], Greet(port));

        Assert.Equal(1, Receive(port, batch));
        Assert.Equal(100, batch.Take(0, out var arrived, out var segment).Length);
        Assert.Equal((0, 100), (arrived, segment));
    }

    [Fact]
    public void Take_SegmentsWithGro_ComeAsOneMessage()
    {
        using var port = Open(stamps: true, gro: true);
        using var batch = new ReceiveBatch(gro: true);
        var client = Greet(port);
        _server.SetRawSocketOption(SolUdp, UdpSegment, BitConverter.GetBytes(172));
        var sent = new byte[(5 * 172) + 60];
        Random.Shared.NextBytes(sent);
        _server.SendTo(sent, client);

        Assert.Equal(1, Receive(port, batch));
        var data = batch.Take(0, out var arrived, out var segment);

        Assert.Equal(172, segment);
        Assert.Equal(sent, data.ToArray());
        Assert.NotEqual(0, arrived);
    }

    [Fact]
    public void Take_SegmentsWithoutGro_ComeAsDatagrams()
    {
        using var port = Open(stamps: true);
        using var batch = new ReceiveBatch();
        var client = Greet(port);
        _server.SetRawSocketOption(SolUdp, UdpSegment, BitConverter.GetBytes(172));
        _server.SendTo(new byte[(5 * 172) + 60], client);

        Assert.Equal(6, Receive(port, batch));
        Assert.Equal(172, batch.Take(0, out _, out _).Length);
        Assert.Equal(60, batch.Take(5, out _, out _).Length);
    }

    [Fact]
    public void Receive_MoreThanABatch_TakesAllInTwoCalls()
    {
        using var port = Open(stamps: true);
        using var batch = new ReceiveBatch();
        var client = Greet(port);
        for (byte i = 0; i < batch.Size + 3; i++)
        {
            _server.SendTo([i], client);
        }

        Assert.Equal(batch.Size, Receive(port, batch));
        Assert.Equal(0, batch.Take(0, out _, out _)[0]);
        Assert.Equal(3, batch.Receive(port.Descriptor));
        Assert.Equal(batch.Size, batch.Take(0, out var arrived, out _)[0]);
        Assert.NotEqual(0, arrived);
    }

    [Fact]
    public unsafe void SendAndReceive_AllocateNothing()
    {
        using var port = Open(stamps: true);
        using var batch = new ReceiveBatch();
        var client = Greet(port).Serialize();
        var bytes = new byte[200];
        Exchange();
        var before = Allocations.Begin();
        Exchange();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Exchange()
        {
            var own = stackalloc byte[172];
            for (var i = 0; i < 100; i++)
            {
                Assert.True(port.Send(own, 172));
                _server.Receive(bytes);
                _server.SendTo(bytes.AsSpan(0, 172), SocketFlags.None, client);
                while (batch.Receive(port.Descriptor) == 0)
                {
                    Thread.Yield();
                }

                batch.Take(0, out _, out _);
            }
        }
    }

    [Fact]
    public void Send_NobodyListens_IsNoFaultOfTheReceiver()
    {
        using var port = Open(stamps: true);
        using var batch = new ReceiveBatch();
        Greet(port);
        _server.Dispose();
        Send(port);

        // The kernel answers that the port is closed; that is no datagram.
        Assert.Equal(0, batch.Receive(port.Descriptor));
        Assert.Equal(0, batch.Receive(port.Descriptor));
    }

    private UdpPort Open(bool stamps, bool gro = false) => new(TransportAddress.From((IPEndPoint)_server.LocalEndPoint!), 1 << 20, stamps, gro);

    /// <summary>Lets the server learn the port's address.</summary>
    private IPEndPoint Greet(UdpPort port)
    {
        Send(port);
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        _server.ReceiveFrom(new byte[16], ref from);
        return (IPEndPoint)from;
    }

    private static unsafe void Send(UdpPort port)
    {
        byte hello = 1;
        port.Send(&hello, 1);
    }

    /// <summary>Waits until something has come: loopback delivers within the sending call, but may do so on another processor.</summary>
    private static int Receive(UdpPort port, ReceiveBatch batch)
    {
        var count = 0;
        Assert.True(SpinWait.SpinUntil(() => (count = batch.Receive(port.Descriptor)) > 0, Deadline));
        return count;
    }
}
