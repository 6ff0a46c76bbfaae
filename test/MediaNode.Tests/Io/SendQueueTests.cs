using System.Net;
using System.Runtime.Versioning;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.Media.Net;

namespace VoiceCluster.MediaNode.Tests.Io;

/// <summary>What leaves a port arrives as it was, in order for each receiver, however it was grouped.</summary>
[SupportedOSPlatform("linux")]
public sealed class SendQueueTests
{
    private const int BufferBytes = 4 * 1024 * 1024;

    /// <summary>The system refuses whatever goes to port 0.</summary>
    private static readonly TransportAddress Nobody = TransportAddress.FromIPv4(0x7F000001, 0);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Datagrams_OfManyLengthsToManyReceivers_ArriveWholeAndInOrder(bool useSegments)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var socket = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes, useSegments);
        var receivers = Enumerable.Range(0, 7).Select(_ => new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes)).ToArray();
        var addresses = receivers.Select(r => TransportAddress.From(r.LocalEndPoint)).ToArray();
        var sent = receivers.Select(_ => new List<byte[]>()).ToArray();
        var random = new Random(1);
        for (var i = 0; i < 2_000; i++)
        {
            // Runs of one length, as video has, with shorter and longer ones between.
            var receiver = random.Next(receivers.Length);
            var length = random.Next(4) switch { 0 => random.Next(1, 1_400), 1 => 1_200, _ => 172 };
            var datagram = socket.Rent()[..length];
            random.NextBytes(datagram);
            sent[receiver].Add(datagram.ToArray());
            socket.Send(length, addresses[receiver]);
        }

        socket.Flush();

        for (var i = 0; i < receivers.Length; i++)
        {
            Assert.Equal(sent[i], Receive(receivers[i], sent[i].Count));
            receivers[i].Dispose();
        }

        Assert.Equal(0, socket.SendFailures);
        Assert.True(useSegments ? socket.SendMessages < 2_000 : socket.SendMessages == 2_000, $"{socket.SendMessages} messages");
    }

    [Fact]
    public void Datagrams_OfOneLengthToOneReceiver_LeaveAsOneMessage()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var socket = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes);
        using var receiver = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes);
        var destination = TransportAddress.From(receiver.LocalEndPoint);
        for (var i = 0; i < 8; i++)
        {
            socket.Rent()[0] = (byte)i;
            socket.Send(1_200, destination);
        }

        socket.Flush();

        Assert.Equal(Enumerable.Range(0, 8), Receive(receiver, 8).Select(d => (int)d[0]));
        Assert.Equal(1, socket.SendMessages);
    }

    [Fact]
    public void Datagram_ToAnAddressThatCannotBe_DoesNotStopTheOthers()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var socket = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes);
        using var receiver = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes);
        var good = TransportAddress.From(receiver.LocalEndPoint);

        // A broadcast without SO_BROADCAST is refused, and port 0 is invalid: one alone, one as a group.
        foreach (var bad in (TransportAddress[])[TransportAddress.FromIPv4(0xFFFFFFFF, 9), TransportAddress.FromIPv4(0x7F000001, 0)])
        {
            for (var i = 0; i < 3; i++)
            {
                socket.Rent()[0] = 1;
                socket.Send(100, bad);
                socket.Rent()[0] = 2;
                socket.Send(100, good);
            }
        }

        socket.Flush();

        Assert.Equal(6, Receive(receiver, 6).Count);
        Assert.Equal(6, socket.SendFailures);
    }

    [Fact]
    public void Group_ThatOneReceiverCannotTake_DoesNotEndGroupingForOthers()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var socket = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes);
        using var receiver = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes);
        var good = TransportAddress.From(receiver.LocalEndPoint);
        for (var round = 1; round <= 3; round++)
        {
            // EINVAL, as for a path whose packets are shorter than the datagrams.
            for (var i = 0; i < 8; i++)
            {
                socket.Rent()[0] = (byte)i;
                socket.Send(1_200, Nobody);
                socket.Rent()[0] = (byte)i;
                socket.Send(1_200, good);
            }

            socket.Flush();

            Assert.Equal(Enumerable.Range(0, 8), Receive(receiver, 8).Select(d => (int)d[0]));
            Assert.Equal(round, socket.SendMessages);
            Assert.Equal(8 * round, socket.SendFailures);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Datagrams_InSteadyState_AllocateNothing(bool withARefusedReceiver)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var socket = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes);
        using var receiver = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes);
        var destination = TransportAddress.From(receiver.LocalEndPoint);
        Exchange(100);
        var before = Allocations.Begin();
        Exchange(2_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Exchange(int rounds)
        {
            for (var round = 0; round < rounds; round++)
            {
                for (var i = 0; i < 5; i++)
                {
                    socket.Rent().Clear();
                    socket.Send(172, destination);
                    if (withARefusedReceiver)
                    {
                        socket.Rent().Clear();
                        socket.Send(172, Nobody);
                    }
                }

                socket.Flush();
                var got = 0;
                while (got < 5)
                {
                    receiver.Wait(5_000_000);
                    got += receiver.ReceiveBatch();
                }
            }
        }
    }

    private static List<byte[]> Receive(LinuxUdpSocket socket, int count)
    {
        var received = new List<byte[]>();
        while (received.Count < count)
        {
            socket.Wait(5_000_000);
            var batch = socket.ReceiveBatch();
            Assert.True(batch > 0, $"{received.Count} of {count} datagrams came.");
            for (var i = 0; i < batch; i++)
            {
                received.Add(socket.Datagram(i, out _).ToArray());
            }
        }

        return received;
    }
}
