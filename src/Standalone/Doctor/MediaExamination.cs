using System.Net;
using System.Net.Sockets;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.MediaNode;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.Standalone.Doctor;

/// <summary>The media ports, and the candidates that clients are told.</summary>
internal static class MediaExamination
{
    private const string Part = "media";

    public static IEnumerable<Finding> Examine(MediaNodeOptions media, HttpOptions http)
    {
        var listen = IPAddress.Parse(media.Ip);
        var health = IPAddress.Parse(media.HttpBind);
        if (media.HttpPort != 0 && Ports.WhyNotTcp(health, media.HttpPort) is { } healthReason)
        {
            yield return Finding.Bad(Part, $"TCP port {media.HttpPort} on {health} cannot be opened: {healthReason}. Set Media:HttpPort.");
        }

        var (ports, reasons) = FreePorts(media, listen);
        if (ports.Count == 0)
        {
            yield return Finding.Bad(Part, $"no UDP port of {media.PortRange} on {listen} can be opened: {reasons[0]}. Set Media:PortRange or Media:Ip.");
            yield break;
        }

        if (ports.Count < media.WorkerCount())
        {
            yield return Finding.Doubt(Part, $"{media.WorkerCount()} workers want a UDP port each and {media.PortRange} has {ports.Count} free; widen Media:PortRange");
        }

        foreach (var finding in ExamineAddress(media, listen, http, ports))
        {
            yield return finding;
        }

        yield return ExamineBuffer(media, listen, ports[0]);
    }

    /// <summary>What the address means for those who are told it.</summary>
    private static IEnumerable<Finding> ExamineAddress(MediaNodeOptions media, IPAddress listen, HttpOptions http, List<int> ports)
    {
        var configured = string.IsNullOrEmpty(media.AnnouncedIp) ? null : IPAddress.Parse(media.AnnouncedIp);
        var interfaces = AnnouncedAddress.OfThisMachine();
        if (AnnouncedAddress.Choose(listen, configured, interfaces) is not { } announced)
        {
            yield return Finding.Bad(Part, $"Media:Ip is {listen} and no interface has an address that clients could reach. Set Media:AnnouncedIp.");
            yield break;
        }

        foreach (var port in ports)
        {
            yield return Finding.Good(Part, $"clients are told the candidate udp {new IPEndPoint(announced, port)} typ host; it listens on {new IPEndPoint(listen, port)}");
        }

        var isPublic = !IPAddress.IsLoopback(IPAddress.Parse(http.Bind));
        if (IPAddress.IsLoopback(announced) && isPublic)
        {
            yield return Finding.Bad(Part, $"clients on other machines are told {announced}, which is themselves. Set Media:Ip=0.0.0.0, and Media:AnnouncedIp behind NAT.");
        }
        else if (IPAddress.IsLoopback(listen) && !IPAddress.IsLoopback(announced))
        {
            yield return Finding.Bad(Part, $"clients are told {announced}, but the ports listen on {listen} alone. Set Media:Ip=0.0.0.0.");
        }
        else if (announced.AddressFamily != listen.AddressFamily && !listen.Equals(IPAddress.IPv6Any))
        {
            yield return Finding.Bad(Part, $"clients are told {announced}, but the ports listen on {listen}, which is of the other IP version.");
        }
        else if (isPublic && IsPrivate(announced))
        {
            yield return Finding.Doubt(Part, $"{announced} is a private address: clients outside of this network cannot reach it. Behind NAT set Media:AnnouncedIp.");
        }

        if (configured is not null && !IPAddress.IsLoopback(configured) && interfaces.All(i => !i.Address.Equals(configured)))
        {
            yield return Finding.Doubt(
                Part, $"{configured} is no address of this machine: the router must pass its UDP ports {string.Join(", ", ports)} on to this machine, unchanged");
        }
    }

    /// <summary>The system cuts the buffers at a limit of its own, and a burst that does not fit is lost.</summary>
    private static Finding ExamineBuffer(MediaNodeOptions media, IPAddress listen, int port)
    {
        using Socket socket = new(listen.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveBufferSize = media.SocketBufferBytes;

        // Linux doubles what it is asked for, for its own records (socket(7)).
        var got = OperatingSystem.IsLinux() ? socket.ReceiveBufferSize / 2 : socket.ReceiveBufferSize;
        return got < media.SocketBufferBytes
            ? Finding.Doubt(Part, $"a socket's buffer gets {got} of {media.SocketBufferBytes} bytes; set net.core.rmem_max and net.core.wmem_max to {media.SocketBufferBytes}")
            : Finding.Good(Part, $"UDP port {port} and its like get buffers of {media.SocketBufferBytes} bytes");
    }

    /// <summary>The ports that the workers would take, in their order, and why others are not free.</summary>
    private static (List<int> Free, List<string> Reasons) FreePorts(MediaNodeOptions media, IPAddress listen)
    {
        media.TryGetPorts(out var first, out var last);
        List<int> free = [];
        List<string> reasons = [];
        for (int port = first; port <= last && free.Count < media.WorkerCount(); port++)
        {
            if (Ports.WhyNotUdp(listen, port) is { } reason)
            {
                reasons.Add(reason);
            }
            else
            {
                free.Add(port);
            }
        }

        return (free, reasons);
    }

    /// <summary>RFC 1918, RFC 6598 and RFC 4193.</summary>
    private static bool IsPrivate(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        return bytes.Length == 4
            ? bytes[0] == 10 || (bytes[0] == 172 && bytes[1] is >= 16 and < 32) || (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 100 && bytes[1] is >= 64 and < 128)
            : (bytes[0] & 0xfe) == 0xfc;
    }
}
