using System.Text.Json;

namespace VoiceCluster.Events.Nats;

/// <summary>What a server says of itself in INFO.</summary>
internal sealed record NatsGreeting(bool TlsRequired, bool TlsAvailable, bool Headers, long MaxPayload)
{
    /// <summary>max_payload of a server that does not name it.</summary>
    private const long DefaultMaxPayload = 1024 * 1024;

    /// <summary>Reads the JSON of INFO.</summary>
    public static bool TryParse(string json, out NatsGreeting greeting)
    {
        greeting = new NatsGreeting(false, false, false, DefaultMaxPayload);
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            bool Flag(string name) => root.TryGetProperty(name, out var flag) && flag.ValueKind == JsonValueKind.True;
            var max = root.TryGetProperty("max_payload", out var payload) && payload.TryGetInt64(out var bytes) && bytes > 0 ? bytes : DefaultMaxPayload;
            greeting = new NatsGreeting(Flag("tls_required"), Flag("tls_available"), Flag("headers"), max);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
