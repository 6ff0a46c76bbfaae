using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Browser.Tests;

/// <summary>Ports that nothing uses at the moment of asking.</summary>
internal static class FreePorts
{
    public static int Tcp()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public static int Udp()
    {
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.Client.LocalEndPoint!).Port;
    }

    /// <summary>The first of <paramref name="count"/> UDP ports in a row.</summary>
    public static int UdpRange(int count)
    {
        for (var first = 20000 + (Environment.ProcessId % 500 * 20); first < 32000; first += count)
        {
            if (Enumerable.Range(first, count).All(IsUdpFree))
            {
                return first;
            }
        }

        throw new InvalidOperationException($"There are no {count} free UDP ports in a row.");
    }

    /// <summary>The first of <paramref name="count"/> ports in a row that are free for TCP and UDP both.</summary>
    public static int TcpRange(int count)
    {
        for (var first = 12000 + (Environment.ProcessId % 50 * 100); first < 19000; first += count)
        {
            if (Enumerable.Range(first, count).All(port => IsTcpFree(port) && IsUdpFree(port)))
            {
                return first;
            }
        }

        throw new InvalidOperationException($"There are no {count} free ports in a row.");
    }

    private static bool IsTcpFree(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
        finally
        {
            listener.Stop();
        }
    }

    private static bool IsUdpFree(int port)
    {
        try
        {
            using var socket = new UdpClient(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
