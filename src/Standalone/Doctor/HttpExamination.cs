using System.Net;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;

namespace VoiceCluster.Standalone.Doctor;

/// <summary>Where clients find the doors, and what they need to get in.</summary>
internal static class HttpExamination
{
    private const string Part = "http";

    public static IEnumerable<Finding> Examine(HttpOptions http, AuthOptions auth)
    {
        var address = IPAddress.Parse(http.Bind);
        HttpOptions.TryReadPorts(http.Ports, out var ports);
        foreach (var port in ports)
        {
            yield return Ports.WhyNotTcp(address, port) is { } reason
                ? Finding.Bad(Part, $"TCP port {port} on {address} cannot be opened: {reason}. Set Http:Ports, or end what uses it.")
                : Finding.Good(Part, $"http://{new IPEndPoint(address, port)} is free for the doors");
        }

        if (IPAddress.IsLoopback(address))
        {
            yield return Finding.Good(Part, $"only this machine reaches the doors (Http:Bind {address})");
        }
        else
        {
            yield return Finding.Doubt(
                Part, "other machines reach the doors: browsers give their microphone to https and localhost alone, so put a proxy with TLS before them");
        }

        yield return auth.Mode == AuthMode.Open && !IPAddress.IsLoopback(address)
            ? Finding.Doubt("identity", "Open mode on an address that others reach: anybody may be anybody")
            : Finding.Good("identity", auth.Mode == AuthMode.Open
                ? "Open mode: the doors of channels, mediasoup and peers need no token"
                : "Required mode: every door needs a token");
        if (auth.DevTokens)
        {
            yield return IPAddress.IsLoopback(address)
                ? Finding.Good("identity", "POST /api/v1/auth/token gives a token for any name")
                : Finding.Doubt("identity", "Auth:DevTokens gives a token for any name to everybody who reaches the doors");
        }
    }
}
