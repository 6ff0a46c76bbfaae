using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using VoiceCluster.Media.Interop.Linux;

namespace VoiceCluster.MediaNode.Tests.Io;

/// <summary>What the kernel drops because nobody reads it in time is counted, all of it and once (SO_RXQ_OVFL).</summary>
[SupportedOSPlatform("linux")]
public sealed class ReceiveQueueTests
{
    [Fact]
    public void Datagrams_ThatASmallBufferDoesNotTake_AreCountedExactly()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var socket = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), bufferSize: 16 * 1024);
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        sender.Connect(socket.LocalEndPoint);
        var (sent, received) = (0, 0);
        for (var round = 0; round < 4; round++)
        {
            var before = socket.ReceiveQueueOverflows;
            Send(500);
            ReadAll();

            // A datagram that is taken in says how many were dropped before it; while some are under way, more are missing than dropped.
            for (var deadline = Environment.TickCount64 + 20_000; socket.ReceiveQueueOverflows == before || sent - received != socket.ReceiveQueueOverflows;)
            {
                Assert.True(Environment.TickCount64 < deadline, $"{sent - received} of {sent} datagrams are missing, {socket.ReceiveQueueOverflows} are counted.");
                Send(1);
                socket.Wait(5_000);
                ReadAll();
            }
        }

        void Send(int count)
        {
            for (var i = 0; i < count; i++, sent++)
            {
                sender.Send(new byte[1_000]);
            }
        }

        void ReadAll()
        {
            for (int batch; (batch = socket.ReceiveBatch()) > 0;)
            {
                received += batch;
            }
        }
    }
}
