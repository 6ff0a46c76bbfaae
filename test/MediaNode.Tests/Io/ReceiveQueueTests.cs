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
            // On the loopback a datagram is in the receiver's queue, or dropped, when the call returns.
            Send(500);
            ReadAll();
            Assert.True(received < sent, "Nothing was dropped.");

            // Each datagram that is taken in says how many were dropped before it.
            Send(1);
            ReadAll();
            Assert.Equal(sent - received, socket.ReceiveQueueOverflows);
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
