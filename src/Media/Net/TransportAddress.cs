using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Media.Net;

/// <summary>
/// An IP address and port as a plain value: the packet path compares, hashes and copies it without allocation.
/// IPv4 is held as an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), so one peer has one form.
/// </summary>
public readonly record struct TransportAddress(UInt128 Address, ushort Port)
{
    private static readonly UInt128 MappedPrefix = (UInt128)0xFFFF << 32;

    /// <summary>True for IPv4, kept as ::ffff:a.b.c.d.</summary>
    public bool IsIPv4 => Address >> 32 == 0xFFFF;

    /// <summary>Whether anything can be sent there: port 0 is nobody's (RFC 768, "source port").</summary>
    public bool IsReachable => Port != 0;

    /// <summary>The four bytes of an IPv4 address, most significant first.</summary>
    public uint IPv4 => (uint)Address;

    /// <summary>Makes an IPv4 address from its number, most significant byte first.</summary>
    public static TransportAddress FromIPv4(uint address, ushort port) => new(MappedPrefix | address, port);

    /// <summary>Makes an address from 16 bytes in network order.</summary>
    public static TransportAddress FromIPv6(ReadOnlySpan<byte> address, ushort port) => new(BinaryPrimitives.ReadUInt128BigEndian(address), port);

    /// <summary>Converts from the framework's type; allocates nothing.</summary>
    public static TransportAddress From(IPEndPoint endPoint)
    {
        Span<byte> bytes = stackalloc byte[16];
        endPoint.Address.TryWriteBytes(bytes, out var written);
        return written == 4
            ? FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes), (ushort)endPoint.Port)
            : FromIPv6(bytes, (ushort)endPoint.Port);
    }

    /// <summary>Converts to the framework's type; allocates.</summary>
    public IPEndPoint ToIPEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        return new IPEndPoint(new IPAddress(IsIPv4 ? bytes[12..] : bytes), Port);
    }

    /// <summary>The framework's family of this address.</summary>
    public AddressFamily Family => IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;

    /// <summary>For logs.</summary>
    public override string ToString() => ToIPEndPoint().ToString();
}
