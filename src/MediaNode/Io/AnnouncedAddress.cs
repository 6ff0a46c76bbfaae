using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace VoiceCluster.MediaNode.Io;

/// <summary>Chooses the address that clients are told.</summary>
public static class AnnouncedAddress
{
    /// <summary>Interfaces that lead to containers or virtual machines of this host, never to clients.</summary>
    private static readonly string[] InnerInterfaces = ["docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "podman", "lxc", "kube-"];

    /// <summary>
    /// The configured address when there is one; the listening address unless it is 0.0.0.0 or ::; else an address of an
    /// interface, one with a gateway first, never link-local ones or those of container bridges.
    /// Null when there is none to tell.
    /// </summary>
    public static IPAddress? Choose(IPAddress listen, IPAddress? announced, IReadOnlyList<InterfaceAddress> interfaces)
    {
        if (announced is not null)
        {
            return announced;
        }

        if (!listen.Equals(IPAddress.Any) && !listen.Equals(IPAddress.IPv6Any))
        {
            return listen;
        }

        var family = listen.AddressFamily;
        return interfaces
            .Where(i => !i.IsLoopback && !IsInner(i.Interface) && IsTellable(i.Address))
            .Where(i => family == AddressFamily.InterNetworkV6 || i.Address.AddressFamily == AddressFamily.InterNetwork)
            .OrderByDescending(i => i.HasGateway)
            .ThenBy(i => i.Address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)
            .Select(i => i.Address)
            .FirstOrDefault();
    }

    /// <summary>The addresses of this machine's interfaces that are up.</summary>
    public static IReadOnlyList<InterfaceAddress> OfThisMachine()
    {
        var found = new List<InterfaceAddress>();
        foreach (var card in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (card.OperationalStatus is not (OperationalStatus.Up or OperationalStatus.Unknown))
            {
                continue;
            }

            var properties = card.GetIPProperties();
            var hasGateway = properties.GatewayAddresses.Any(g => !g.Address.Equals(IPAddress.Any));
            found.AddRange(properties.UnicastAddresses.Select(a =>
                new InterfaceAddress(card.Name, a.Address, hasGateway, card.NetworkInterfaceType == NetworkInterfaceType.Loopback)));
        }

        return found;
    }

    private static bool IsInner(string name) => Array.Exists(InnerInterfaces, inner => name.StartsWith(inner, StringComparison.OrdinalIgnoreCase));

    /// <summary>RFC 3927's 169.254/16, fe80::/10, multicast and temporary kinds reach nobody.</summary>
    private static bool IsTellable(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out var length)
            && (length == 4
                ? !(bytes[0] == 169 && bytes[1] == 254) && bytes[0] is not (0 or 127) && bytes[0] < 224
                : !address.IsIPv6LinkLocal && !address.IsIPv6Multicast && !address.IsIPv6SiteLocal && !IPAddress.IsLoopback(address));
    }
}

/// <summary>An address of an interface.</summary>
public sealed record InterfaceAddress(string Interface, IPAddress Address, bool HasGateway, bool IsLoopback);
