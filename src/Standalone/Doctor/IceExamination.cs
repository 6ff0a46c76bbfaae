using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.ApiFrontend.Ice;

namespace VoiceCluster.Standalone.Doctor;

/// <summary>The STUN and TURN servers that clients are told, tried as a client would use them.</summary>
internal static class IceExamination
{
    private const string Part = "ice";
    private const int PlainPort = 3478;
    private const int TlsPort = 5349;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static async Task<List<Finding>> ExamineAsync(IceServers servers, HttpOptions http)
    {
        List<Finding> findings = [];
        var told = servers.For(Guid.NewGuid());
        foreach (var server in told)
        {
            foreach (var url in server.Urls)
            {
                findings.Add(await ExamineAsync(url, server).ConfigureAwait(false));
            }
        }

        if (!told.Any(s => s.Urls.Any(IsTurn)))
        {
            findings.Add(IPAddress.IsLoopback(IPAddress.Parse(http.Bind))
                ? Finding.Good(Part, "no TURN server, and none is needed on one machine")
                : Finding.Doubt(Part, "no TURN server: clients whose network lets no UDP out, and calls between two such, do not connect. Set TURN_URL."));
        }

        return findings;
    }

    private static bool IsTurn(string url) => url.StartsWith("turn", StringComparison.OrdinalIgnoreCase);

    private static async Task<Finding> ExamineAsync(string url, IceServer server)
    {
        if (!TryRead(url, out var host, out var port, out var isUdp))
        {
            return Finding.Bad(Part, $"{url} is no address of a server (RFC 7064, RFC 7065)");
        }

        try
        {
            using CancellationTokenSource deadline = new(Patience);
            var addresses = await Dns.GetHostAddressesAsync(host, deadline.Token).ConfigureAwait(false);
            IPEndPoint address = new(addresses.FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0], port);
            return isUdp
                ? await ExamineUdpAsync(url, address, server).ConfigureAwait(false)
                : await ExamineTcpAsync(url, address).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return Away(url, e is SocketException ? e.Message : $"no answer within {Patience.TotalSeconds:F0} s");
        }
    }

    private static async Task<Finding> ExamineUdpAsync(string url, IPEndPoint address, IceServer server)
    {
        using TurnClient client = new(address);
        if (!IsTurn(url))
        {
            var seen = await client.BindAsync().ConfigureAwait(false);
            return seen.Fault is null ? Finding.Good(Part, $"{url} sees this machine as {seen.Address}") : Away(url, seen.Fault);
        }

        var allocated = await client.AllocateAsync(server.Username ?? "", server.Credential ?? "").ConfigureAwait(false);
        return allocated.Fault is null
            ? Finding.Good(Part, $"{url} takes the credentials that clients are given, and relays from {allocated.Address}")
            : Away(url, allocated.Fault);
    }

    private static async Task<Finding> ExamineTcpAsync(string url, IPEndPoint address)
    {
        using TcpClient client = new(address.AddressFamily);
        using CancellationTokenSource deadline = new(Patience);
        await client.ConnectAsync(address, deadline.Token).ConfigureAwait(false);
        return Finding.Good(Part, $"{url} takes connections; its credentials are tried over UDP alone");
    }

    /// <summary>Without STUN the server's own candidates still work; a TURN server that was named is meant to.</summary>
    private static Finding Away(string url, string reason) => IsTurn(url)
        ? Finding.Bad(Part, $"{url}: {reason}. See TURN_URL, TURN_SECRET, TURN_USERNAME and TURN_PASSWORD.")
        : Finding.Doubt(Part, $"{url}: {reason}. Calls from browser to browser through NAT need it; see Ice:StunUrls.");

    /// <summary><c>scheme:host[:port][?transport=udp|tcp]</c>, the host in brackets when it is an IPv6 address.</summary>
    private static bool TryRead(string url, out string host, out int port, out bool isUdp)
    {
        var scheme = url[..Math.Max(0, url.IndexOf(':'))].ToLowerInvariant();
        var rest = url[(scheme.Length + 1)..].Split('?', 2);
        var isTls = scheme is "turns" or "stuns";
        isUdp = !isTls && !(rest.Length > 1 && rest[1].Contains("transport=tcp", StringComparison.OrdinalIgnoreCase));
        port = isTls ? TlsPort : PlainPort;
        var end = rest[0].StartsWith('[') ? rest[0].IndexOf(']') + 1 : rest[0].IndexOf(':');
        host = (end < 0 ? rest[0] : rest[0][..end]).Trim('[', ']');
        var tail = end < 0 ? "" : rest[0][end..];
        return host.Length > 0
            && (tail.Length == 0 || (tail[0] == ':' && int.TryParse(tail[1..], NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and < 65_536));
    }
}
