using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace VoiceCluster.Abstractions.Events;

/// <summary>
/// An event as it stands on the bus: <c>{"id", "type", "version", "time", "key", "data"}</c>, UTF-8. Names and enumeration
/// values are snake_case, times RFC 3339 in UTC, ids UUIDs.
/// </summary>
public static class EventEnvelope
{
    private static readonly HashSet<string> OuterNames = ["id", "type", "version", "time", "key"];

    private static readonly JsonSerializerOptions DataJson = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { LeaveOutTheEnvelope } },
    };

    /// <summary>Writes the event.</summary>
    public static byte[] Serialize(DomainEvent domainEvent)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("id", domainEvent.Id);
            writer.WriteString("type", domainEvent.Type);
            writer.WriteNumber("version", domainEvent.Version);
            writer.WriteString("time", domainEvent.Time.UtcDateTime);
            writer.WriteString("key", domainEvent.Key);
            writer.WritePropertyName("data");
            JsonSerializer.Serialize(writer, domainEvent, domainEvent.GetType(), DataJson);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The event as a row of the outbox.</summary>
    public static OutboxEvent ToOutbox(DomainEvent domainEvent) =>
        new(domainEvent.Id, domainEvent.Type, domainEvent.Key, Serialize(domainEvent));

    private static void LeaveOutTheEnvelope(JsonTypeInfo type)
    {
        if (type.Kind != JsonTypeInfoKind.Object || !type.Type.IsAssignableTo(typeof(DomainEvent)))
        {
            return;
        }

        for (var i = type.Properties.Count - 1; i >= 0; i--)
        {
            if (OuterNames.Contains(type.Properties[i].Name))
            {
                type.Properties.RemoveAt(i);
            }
        }
    }
}
