using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Standalone.Doctor;

/// <summary>Whether ports could be opened now. Each is opened and closed again.</summary>
internal static class Ports
{
    /// <summary>Null when a TCP port is free, else why it is not.</summary>
    public static string? WhyNotTcp(IPAddress address, int port)
    {
        using Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        return WhyNot(socket, address, port);
    }

    /// <summary>Null when a UDP port is free, else why it is not.</summary>
    public static string? WhyNotUdp(IPAddress address, int port)
    {
        using Socket socket = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        return WhyNot(socket, address, port);
    }

    private static string? WhyNot(Socket socket, IPAddress address, int port)
    {
        try
        {
            // As Kestrel and the workers do, or ports in TIME_WAIT would count as taken; another listener still does.
            socket.ExclusiveAddressUse = false;
            socket.Bind(new IPEndPoint(address, port));
            if (socket.SocketType == SocketType.Stream)
            {
                socket.Listen(1);
            }

            return null;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "it is in use",
                SocketError.AddressNotAvailable => $"{address} is no address of this machine",
                SocketError.AccessDenied => "this user may not open it",
                _ => e.Message,
            };
        }
    }
}
