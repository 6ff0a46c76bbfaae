using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using VoiceCluster.Media.Net;

namespace VoiceCluster.LoadTest.Interop.Linux;

/// <summary>One client's UDP socket, connected to one server: a descriptor, no buffers of its own, so that there can be thousands.</summary>
internal sealed unsafe class UdpPort : IDisposable
{
    /// <summary>Bytes of sockaddr_in6, the larger of the two.</summary>
    private const int AddressSize = 28;

    /// <summary>Opens a socket on a port of the system's choice. A connected one costs the kernel less to send on, and hears its server alone.</summary>
    /// <param name="server">Where it sends to.</param>
    /// <param name="receiveBuffer">Bytes that the kernel keeps for it.</param>
    /// <param name="stamps">The kernel is to note when each datagram came; see <see cref="CanStamp"/>.</param>
    /// <param name="gro">The kernel may hand over several datagrams as one (UDP_GRO).</param>
    public UdpPort(in TransportAddress server, int receiveBuffer, bool stamps = true, bool gro = false)
    {
        var family = server.IsIPv4 ? LibC.AfInet : LibC.AfInet6;
        Descriptor = Check(LibC.Socket(family, LibC.SockDgram | LibC.SockNonBlock | LibC.SockCloExec, 0));
        try
        {
            if (stamps)
            {
                Check(TrySet(LibC.SolSocket, LibC.SoTimestampNs, 1) ? 0 : -1);
            }

            if (gro && !TrySet(LibC.SolUdp, LibC.UdpGro, 1))
            {
                throw new IOException("This system has no UDP_GRO; leave --gro out.");
            }

            Check(LibC.SetSockOpt(Descriptor, LibC.SolSocket, LibC.SoRcvBuf, &receiveBuffer, sizeof(int)));
            var address = stackalloc byte[AddressSize];
            Check(LibC.Connect(Descriptor, address, Write(server, (ushort)family, new Span<byte>(address, AddressSize))));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The address from which the server hears it.</summary>
    public TransportAddress Local
    {
        get
        {
            var address = stackalloc byte[AddressSize];
            uint length = AddressSize;
            Check(LibC.GetSockName(Descriptor, address, &length));
            var bytes = new ReadOnlySpan<byte>(address, AddressSize);
            var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            return length < AddressSize
                ? TransportAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), port)
                : TransportAddress.FromIPv6(bytes.Slice(8, 16), port);
        }
    }

    /// <summary>The file descriptor.</summary>
    public int Descriptor { get; private set; }

    /// <summary>True when the kernel can note when datagrams come; some sandboxes' kernels cannot.</summary>
    public static bool CanStamp()
    {
        var descriptor = Check(LibC.Socket(LibC.AfInet, LibC.SockDgram | LibC.SockCloExec, 0));
        var on = 1;
        var can = LibC.SetSockOpt(descriptor, LibC.SolSocket, LibC.SoTimestampNs, &on, sizeof(int)) == 0;
        _ = LibC.Close(descriptor);
        return can;
    }

    /// <summary>Sends one datagram; false when the system did not take it.</summary>
    public bool Send(byte* data, int length) => LibC.Send(Descriptor, data, (nuint)length, LibC.MsgDontWait) == length;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Descriptor >= 0)
        {
            _ = LibC.Close(Descriptor);
            Descriptor = -1;
        }
    }

    private static uint Write(in TransportAddress server, ushort family, Span<byte> to)
    {
        to.Clear();
        MemoryMarshal.Write(to, family);
        BinaryPrimitives.WriteUInt16BigEndian(to[2..], server.Port);
        if (server.IsIPv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(to[4..], server.IPv4);
            return 16;
        }

        BinaryPrimitives.WriteUInt128BigEndian(to[8..], server.Address);
        return AddressSize;
    }

    private bool TrySet(int level, int name, int value) => LibC.SetSockOpt(Descriptor, level, name, &value, sizeof(int)) == 0;

    private static int Check(int result) => result >= 0 ? result : throw new Win32Exception();
}
