using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Ice;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Transports;

/// <summary>Writes mediasoup's JSON of a WebRTC transport.</summary>
internal static class TransportJson
{
    /// <summary>RFC 8445 §5.1.2.1: 2^24·type preference (126 for host) + 2^8·local preference + (256 − component 1).</summary>
    private const long HostPriority = (126L << 24) + 255;

    /// <summary>
    /// <c>{id, iceParameters, iceCandidates, dtlsParameters}</c>. A candidate has both <c>ip</c> and <c>address</c>,
    /// the old and the new name of the same thing.
    /// </summary>
    /// <param name="id">The transport's id.</param>
    /// <param name="ice">Its credentials.</param>
    /// <param name="endpoint">What all transports of a worker have in common: <see cref="Endpoint"/>.</param>
    public static string Describe(string id, IceCredentials ice, string endpoint) =>
        string.Concat($$"""{"id":"{{JavaScriptEncoder.Default.Encode(id)}}","iceParameters":""", Ice(ice), ",", endpoint);

    /// <summary><c>{usernameFragment, password, iceLite: true}</c>.</summary>
    public static string Ice(IceCredentials ice) =>
        $$"""{"usernameFragment":"{{JavaScriptEncoder.Default.Encode(ice.UsernameFragment)}}","password":"{{JavaScriptEncoder.Default.Encode(ice.Password)}}","iceLite":true}""";

    /// <summary>The members <c>iceCandidates</c> and <c>dtlsParameters</c>, and the bracket behind them.</summary>
    public static string Endpoint(IReadOnlyList<TransportAddress> announced, IReadOnlyList<DtlsFingerprint> fingerprints)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("iceCandidates");
            for (var i = 0; i < announced.Count; i++)
            {
                WriteCandidate(json, announced[i], 65535 - i);
            }

            json.WriteEndArray();
            json.WriteStartObject("dtlsParameters");
            json.WriteString("role", "auto");
            json.WriteStartArray("fingerprints");
            foreach (var fingerprint in fingerprints)
            {
                json.WriteStartObject();
                json.WriteString("algorithm", fingerprint.Algorithm);
                json.WriteString("value", fingerprint.Value);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        // The bracket before them is the caller's.
        return Encoding.UTF8.GetString(buffer.WrittenSpan[1..]);
    }

    private static void WriteCandidate(Utf8JsonWriter json, in TransportAddress address, int localPreference)
    {
        IPEndPoint endPoint = address.ToIPEndPoint();
        var ip = endPoint.Address.ToString();
        json.WriteStartObject();

        // RFC 8445 §5.1.1.3: the foundation differs by type, base address and protocol.
        json.WriteString("foundation", string.Create(CultureInfo.InvariantCulture, $"udp{65535 - localPreference}"));
        json.WriteNumber("priority", HostPriority + ((long)localPreference << 8));
        json.WriteString("ip", ip);
        json.WriteString("address", ip);
        json.WriteString("protocol", "udp");
        json.WriteNumber("port", endPoint.Port);
        json.WriteString("type", "host");
        json.WriteEndObject();
    }
}
