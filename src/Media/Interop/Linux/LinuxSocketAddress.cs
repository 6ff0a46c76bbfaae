using System.Buffers.Binary;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Interop.Linux;

/// <summary>Between the engine's addresses and the kernel's.</summary>
internal static unsafe class LinuxSocketAddress
{
    /// <summary>Writes an address for a socket of the given family; returns its length. IPv4 on an IPv6 socket stays mapped.</summary>
    public static uint Write(in TransportAddress address, bool isIPv6, LibC.SocketAddress* target)
    {
        target->Port = BinaryPrimitives.ReverseEndianness(address.Port);
        if (!isIPv6)
        {
            target->Family = LibC.AfInet;
            target->IPv4OrFlow = BinaryPrimitives.ReverseEndianness(address.IPv4);
            return 16;
        }

        target->Family = LibC.AfInet6;
        target->IPv4OrFlow = 0;
        target->Scope = 0;
        BinaryPrimitives.WriteUInt128BigEndian(new Span<byte>(target->IPv6, 16), address.Address);
        return 28;
    }

    /// <summary>Reads an address that the kernel wrote.</summary>
    public static TransportAddress Read(in LibC.SocketAddress address)
    {
        var port = BinaryPrimitives.ReverseEndianness(address.Port);
        if (address.Family == LibC.AfInet)
        {
            return TransportAddress.FromIPv4(BinaryPrimitives.ReverseEndianness(address.IPv4OrFlow), port);
        }

        fixed (byte* bytes = address.IPv6)
        {
            return TransportAddress.FromIPv6(new ReadOnlySpan<byte>(bytes, 16), port);
        }
    }
}
