using System.Net.Sockets;
using System.Runtime.Versioning;

namespace VoiceCluster.Media.Interop.Linux;

/// <summary>A socket that receives and sends by a <see cref="LinuxPortBatch"/>: what the batch knows of it. The socket stays its owner's.</summary>
[SupportedOSPlatform("linux")]
public sealed unsafe class LinuxPort
{
    /// <summary>Takes a UDP socket, and asks the system for its drops (SO_RXQ_OVFL) and for buffers beyond the limit for all.</summary>
    /// <param name="socket">It must stay open as long as this is used.</param>
    /// <param name="bufferSize">Bytes of the kernel's buffers.</param>
    /// <param name="useSegments">Whether the kernel may cut one message into several datagrams (UDP_SEGMENT), where it can.</param>
    public LinuxPort(Socket socket, int bufferSize, bool useSegments = true)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Fd = (int)socket.Handle;
        IsIPv6 = socket.AddressFamily == AddressFamily.InterNetworkV6;

        // The force variant needs CAP_NET_ADMIN; without it the framework's option has set what net.core.rmem_max allows.
        TrySet(LibC.SoRcvBufForce, bufferSize);
        TrySet(LibC.SoSndBufForce, bufferSize);
        TrySet(LibC.SoRxqOvfl, 1);
        int value;
        uint length = sizeof(int);
        MaxSegment = useSegments && LibC.GetSockOpt(Fd, LibC.SolUdp, LibC.UdpSegment, &value, &length) == 0 ? Net.Datagram.MaxSize : 0;
    }

    internal int Fd { get; }

    internal bool IsIPv6 { get; }

    /// <summary>Bytes of the longest datagram that may share a message; 0 when the system cannot cut messages.</summary>
    internal int MaxSegment { get; set; }

    /// <summary>The last SO_RXQ_OVFL count.</summary>
    internal uint Overflow { get; set; }

    /// <summary>Its first and last packet in the batch, or -1.</summary>
    internal int First { get; set; } = -1;

    internal int Last { get; set; } = -1;

    /// <summary>The next port that has something in the batch.</summary>
    internal LinuxPort? NextQueued { get; set; }

    private void TrySet(int name, int value) => _ = LibC.SetSockOpt(Fd, LibC.SolSocket, name, &value, sizeof(int));
}
