using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.Media.Net;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Tests.Io;

/// <summary>Ports that share the memory of one batch: what leaves each arrives from it, as it was, in order.</summary>
[SupportedOSPlatform("linux")]
public sealed class PortBatchTests : IDisposable
{
    private const int BufferBytes = 4 * 1024 * 1024;

    private readonly LinuxPortBatch? _batch = OperatingSystem.IsLinux() ? new LinuxPortBatch() : null;
    private readonly List<Socket> _sockets = [];

    public void Dispose()
    {
        _sockets.ForEach(s => s.Dispose());
        _batch?.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Datagrams_OfManyLengthsFromManyPorts_ArriveWholeAndInOrder(bool useSegments)
    {
        if (_batch is null)
        {
            return;
        }

        var ports = Enumerable.Range(0, 5).Select(_ => Open(useSegments)).ToArray();
        var receivers = Enumerable.Range(0, 5).Select(_ => Open()).ToArray();
        var sent = new Dictionary<(int Port, int Receiver), List<byte[]>>();
        var random = new Random(2);
        const int Count = 3_000;
        for (var i = 0; i < Count; i++)
        {
            // A port has one receiver mostly, and two at times.
            var port = random.Next(ports.Length);
            var receiver = random.Next(20) == 0 ? random.Next(receivers.Length) : port;
            var length = random.Next(4) switch { 0 => random.Next(1, 1_400), 1 => 1_200, _ => 172 };
            var datagram = _batch.Rent()[..length];
            random.NextBytes(datagram);
            if (!sent.TryGetValue((port, receiver), out var list))
            {
                sent.Add((port, receiver), list = []);
            }

            list.Add(datagram.ToArray());
            _batch.Add(ports[port].Port, length, receivers[receiver].Address);
        }

        _batch.Flush();

        for (var r = 0; r < receivers.Length; r++)
        {
            var got = Receive(receivers[r].Port, sent.Where(s => s.Key.Receiver == r).Sum(s => s.Value.Count));
            for (var p = 0; p < ports.Length; p++)
            {
                var expected = sent.TryGetValue((p, r), out var list) ? list : [];
                Assert.Equal(expected, got.Where(g => g.From == ports[p].Address).Select(g => g.Data));
            }
        }

        Assert.Equal(0, _batch.Failures);
        Assert.False(_batch.HasQueued);
        Assert.True(useSegments ? _batch.Messages < Count : _batch.Messages == Count, $"{_batch.Messages} messages");
    }

    [Fact]
    public void Datagrams_OfOneLengthToOneReceiver_LeaveAsOneMessageAPort()
    {
        if (_batch is null)
        {
            return;
        }

        var (ports, receiver) = (new[] { Open(), Open() }, Open());
        for (var i = 0; i < 16; i++)
        {
            _batch.Rent()[0] = (byte)i;
            _batch.Add(ports[i % 2].Port, 1_200, receiver.Address);
        }

        _batch.Flush();

        var got = Receive(receiver.Port, 16);
        Assert.Equal([0, 2, 4, 6, 8, 10, 12, 14], got.Where(g => g.From == ports[0].Address).Select(g => (int)g.Data[0]));
        Assert.Equal(2, _batch.Messages);
    }

    [Fact]
    public void Datagram_ToAnAddressThatCannotBe_DoesNotStopTheOthers()
    {
        if (_batch is null)
        {
            return;
        }

        var (port, receiver) = (Open(), Open());
        foreach (var bad in (TransportAddress[])[TransportAddress.FromIPv4(0xFFFFFFFF, 9), TransportAddress.FromIPv4(0x7F000001, 0)])
        {
            for (var i = 0; i < 3; i++)
            {
                _batch.Rent()[0] = 1;
                _batch.Add(port.Port, 100, bad);
            }

            _batch.Rent()[0] = 2;
            _batch.Add(port.Port, 100, receiver.Address);
        }

        _batch.Flush();

        Assert.Equal(2, Receive(receiver.Port, 2).Count);
        Assert.Equal(6, _batch.Failures);
    }

    [Fact]
    public void Datagrams_ThatNobodyReads_AreCounted()
    {
        if (_batch is null)
        {
            return;
        }

        var (port, receiver) = (Open(), Open(bufferSize: 16 * 1024));
        for (var i = 0; i < 500; i++)
        {
            Send();
        }

        // The count comes with what came after the loss.
        while (_batch.Receive(receiver.Port) > 0)
        {
        }

        Send();
        Receive(receiver.Port, 1);

        Assert.InRange(_batch.ReceiveQueueOverflows, 1, 499);

        void Send()
        {
            _batch.Rent()[0] = 1;
            _batch.Add(port.Port, 1_200, receiver.Address);
            _batch.Flush();
        }
    }

    [Fact]
    public void Datagrams_InSteadyState_AllocateNothing()
    {
        if (_batch is null)
        {
            return;
        }

        var (ports, receiver) = (Enumerable.Range(0, 3).Select(_ => Open()).ToArray(), Open());
        Exchange(100);
        var before = Allocations.Begin();
        Exchange(2_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Exchange(int rounds)
        {
            for (var round = 0; round < rounds; round++)
            {
                for (var i = 0; i < 6; i++)
                {
                    _batch.Rent()[..172].Clear();
                    _batch.Add(ports[i % 3].Port, 172, receiver.Address);
                }

                _batch.Flush();
                for (var got = 0; got < 6;)
                {
                    Assert.True(receiver.Socket.Poll(5_000_000, SelectMode.SelectRead));
                    got += _batch.Receive(receiver.Port);
                }
            }
        }
    }

    private Opened Open(bool useSegments = true, int bufferSize = BufferBytes)
    {
        var socket = PlainPort.Bind(new IPEndPoint(IPAddress.Loopback, 0), bufferSize);
        _sockets.Add(socket);
        return new Opened(socket, new LinuxPort(socket, bufferSize, useSegments), TransportAddress.From((IPEndPoint)socket.LocalEndPoint!));
    }

    private List<(byte[] Data, TransportAddress From)> Receive(LinuxPort port, int count)
    {
        List<(byte[], TransportAddress)> received = [];
        var deadline = Environment.TickCount64 + 10_000;
        while (received.Count < count)
        {
            Assert.True(Environment.TickCount64 < deadline, $"{received.Count} of {count} datagrams came.");
            var batch = _batch!.Receive(port);
            for (var i = 0; i < batch; i++)
            {
                received.Add((_batch.Datagram(i, out var from).ToArray(), from));
            }
        }

        return received;
    }

    private sealed record Opened(Socket Socket, LinuxPort Port, TransportAddress Address);
}
