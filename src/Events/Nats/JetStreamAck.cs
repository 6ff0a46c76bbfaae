using System.Text.Json;

namespace VoiceCluster.Events.Nats;

/// <summary>
/// What a stream answers to a message that it was to keep: <c>{"stream":"S","seq":7,"duplicate":true}</c>, or
/// <c>{"error":{"code":503,"description":"…"},"stream":"S"}</c> (NATS JetStream wire API, PubAck).
/// </summary>
/// <param name="Error">Why it was not kept; null when it was.</param>
internal readonly record struct JetStreamAck(string? Error)
{
    /// <summary>Reads an answer. False when it is none of a stream.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> payload, out JetStreamAck ack)
    {
        ack = default;
        try
        {
            using var document = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = 16 });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            if (root.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object)
            {
                var text = error.TryGetProperty("description", out var description) ? description.ToString() : error.ToString();
                ack = new JetStreamAck(text is { Length: > 0 } ? text : "unknown");
                return true;
            }

            return root.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.String
                && root.TryGetProperty("seq", out var sequence) && sequence.ValueKind == JsonValueKind.Number;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
