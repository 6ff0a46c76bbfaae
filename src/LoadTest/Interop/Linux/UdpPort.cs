using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using VoiceCluster.Media.Net;

namespace VoiceCluster.LoadTest.Interop.Linux;

/// <summary>One client's UDP socket towards one server: a descriptor and an address, no buffers of its own, so that there can be thousands.</summary>
internal sealed unsafe class UdpPort : IDisposable
{
    /// <summary>Bytes of sockaddr_in6, the larger of the two.</summary>
    private const int AddressSize = 28;

    private readonly byte[] _address = GC.AllocateArray<byte>(AddressSize, pinned: true);
    private readonly uint _addressLength;

    /// <summary>Opens a socket on a port of the system's choice.</summary>
    public UdpPort(in TransportAddress server, int receiveBuffer)
    {
        var family = server.IsIPv4 ? LibC.AfInet : LibC.AfInet6;
        Descriptor = Check(LibC.Socket(family, LibC.SockDgram | LibC.SockNonBlock | LibC.SockCloExec, 0));
        var on = 1;
        Check(LibC.SetSockOpt(Descriptor, LibC.SolSocket, LibC.SoTimestampNs, &on, sizeof(int)));
        Check(LibC.SetSockOpt(Descriptor, LibC.SolSocket, LibC.SoRcvBuf, &receiveBuffer, sizeof(int)));
        MemoryMarshal.Write(_address, (ushort)family);
        BinaryPrimitives.WriteUInt16BigEndian(_address.AsSpan(2), server.Port);
        if (server.IsIPv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(_address.AsSpan(4), server.IPv4);
            _addressLength = 16;
        }
        else
        {
            BinaryPrimitives.WriteUInt128BigEndian(_address.AsSpan(8), server.Address);
            _addressLength = AddressSize;
        }
    }

    /// <summary>The file descriptor.</summary>
    public int Descriptor { get; private set; }

    /// <summary>Sends one datagram; false when the system did not take it.</summary>
    public bool Send(byte* data, int length)
    {
        var address = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_address, 0);
        return LibC.SendTo(Descriptor, data, (nuint)length, LibC.MsgDontWait, address, _addressLength) == length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Descriptor >= 0)
        {
            _ = LibC.Close(Descriptor);
            Descriptor = -1;
        }
    }

    private static int Check(int result) => result >= 0 ? result : throw new Win32Exception();
}
