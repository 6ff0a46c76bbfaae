using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;

namespace VoiceCluster.Media.Sdp;

/// <summary>An address of the server's transport (RFC 8839 §5.1).</summary>
public sealed record SdpCandidate(string Foundation, long Priority, string Address, int Port)
{
    /// <summary>The attribute's value: <c>candidate:</c> and what follows, as RTCIceCandidate.candidate has it.</summary>
    public string Value => string.Create(
        CultureInfo.InvariantCulture, $"candidate:{Foundation} 1 udp {Priority} {Address} {Port} typ host");
}

/// <summary>The server's side of a transport as a description shows it.</summary>
public sealed record SdpServerTransport(
    string IceUsernameFragment, string IcePassword, IReadOnlyList<SdpCandidate> Candidates, IReadOnlyList<SdpFingerprint> Fingerprints)
{
    /// <summary>Reads mediasoup's description of a WebRTC transport; false when it is none.</summary>
    public static bool TryParse(string descriptionJson, [NotNullWhen(true)] out SdpServerTransport? transport)
    {
        transport = null;
        try
        {
            using var document = JsonDocument.Parse(descriptionJson);
            var root = document.RootElement;
            if (!TryReadIce(root.GetProperty("iceParameters"), out var fragment, out var password))
            {
                return false;
            }

            List<SdpCandidate> candidates = [];
            foreach (var item in root.GetProperty("iceCandidates").EnumerateArray())
            {
                candidates.Add(new SdpCandidate(
                    item.GetProperty("foundation").GetString()!,
                    item.GetProperty("priority").GetInt64(),
                    item.GetProperty("address").GetString()!,
                    item.GetProperty("port").GetInt32()));
            }

            List<SdpFingerprint> fingerprints = [];
            foreach (var item in root.GetProperty("dtlsParameters").GetProperty("fingerprints").EnumerateArray())
            {
                fingerprints.Add(new SdpFingerprint(item.GetProperty("algorithm").GetString()!, item.GetProperty("value").GetString()!));
            }

            transport = new SdpServerTransport(fragment, password, candidates, fingerprints);
            return candidates.Count > 0 && fingerprints.Count > 0;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return false;
        }
    }

    /// <summary>The same transport after an ICE restart; false when the parameters are none.</summary>
    public bool TryRestart(string iceParametersJson, [NotNullWhen(true)] out SdpServerTransport? transport)
    {
        transport = null;
        try
        {
            using var document = JsonDocument.Parse(iceParametersJson);
            if (!TryReadIce(document.RootElement, out var fragment, out var password))
            {
                return false;
            }

            transport = this with { IceUsernameFragment = fragment, IcePassword = password };
            return true;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool TryReadIce(JsonElement ice, out string fragment, out string password)
    {
        fragment = ice.GetProperty("usernameFragment").GetString() ?? "";
        password = ice.GetProperty("password").GetString() ?? "";
        return fragment.Length > 0 && password.Length > 0;
    }
}
