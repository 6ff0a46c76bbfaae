using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Net;

namespace VoiceCluster.MediaNode.Io;

/// <summary>Our addresses in the framework's reusable form. Family, port and address stand at the same places on all systems it runs on.</summary>
internal static class SocketAddresses
{
    public static TransportAddress Read(SocketAddress address)
    {
        var bytes = address.Buffer.Span;
        var port = (ushort)((bytes[2] << 8) | bytes[3]);
        return address.Family == AddressFamily.InterNetwork
            ? TransportAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), port)
            : TransportAddress.FromIPv6(bytes[8..24], port);
    }

    /// <summary>False for an IPv6 address where the socket is of IPv4.</summary>
    public static bool TryWrite(in TransportAddress address, SocketAddress target)
    {
        var bytes = target.Buffer.Span;
        bytes[2] = (byte)(address.Port >> 8);
        bytes[3] = (byte)address.Port;
        if (target.Family == AddressFamily.InterNetworkV6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes[8..24], address.Address);
            return true;
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], address.IPv4);
        return address.IsIPv4;
    }
}
