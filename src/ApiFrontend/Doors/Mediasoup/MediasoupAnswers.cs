using System.Text.Json;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.SocketIo;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>The JSON of acks and events; docs/protocols/mediasoup.md lists them.</summary>
internal static class MediasoupAnswers
{
    public static SocketIoPayload Done { get; } = SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WriteEndObject();
    });

    /// <summary>The last event of a server that stops.</summary>
    public static SocketIoPayload Restart { get; } = Problem("SERVICE_RESTART", "This server stops. Connect again; give your resumeToken to go on where you were.");

    /// <summary>The stable word for a kind of failure.</summary>
    public static string Code(FaultCode code) => code switch
    {
        FaultCode.Invalid => "INVALID",
        FaultCode.Unauthenticated => "UNAUTHENTICATED",
        FaultCode.Forbidden => "FORBIDDEN",
        FaultCode.NotFound => "NOT_FOUND",
        FaultCode.Conflict => "CONFLICT",
        FaultCode.Full => "FULL",
        FaultCode.Gone => "GONE",
        FaultCode.Unsupported => "UNSUPPORTED",
        _ => "UNAVAILABLE",
    };

    public static SocketIoPayload Error(string code, string message) => SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("code", code);
        json.WriteString("message", message);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>The refusal of an event past a limit; <c>retryAfter</c> in whole seconds, as the header has it.</summary>
    public static SocketIoPayload RateLimited(TimeSpan retryAfter) => SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("code", Refusal.TooManyRequests.Code);
        json.WriteString("message", Refusal.TooManyRequests.Message);
        json.WriteNumber("retryAfter", Math.Max(1, (long)Math.Ceiling(retryAfter.TotalSeconds)));
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>An event's argument that says what is wrong.</summary>
    public static SocketIoPayload Problem(string code, string message) => SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WriteString("code", code);
        json.WriteString("message", message);
        json.WriteEndObject();
    });

    public static SocketIoPayload Joined(RoomJoined joined, string peerId, string resumeToken, bool resumed) => SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WritePropertyName("rtpCapabilities");
        json.WriteRawValue(joined.RtpCapabilitiesJson);
        json.WriteString("peerId", peerId);
        json.WriteStartArray("peers");
        foreach (ParticipantInfo peer in joined.Room.Participants.Where(p => p.ParticipantId != peerId))
        {
            Write(json, peer);
        }

        json.WriteEndArray();
        json.WriteStartArray("producers");
        foreach (ProducerInfo producer in joined.Room.Producers.Where(p => p.ParticipantId != peerId))
        {
            Write(json, producer);
        }

        json.WriteEndArray();
        json.WriteString("resumeToken", resumeToken);
        json.WriteBoolean("resumed", resumed);
        if (resumed && joined.Transports is { } transports)
        {
            json.WriteStartArray("transports");
            foreach (string transport in transports)
            {
                json.WriteStringValue(transport);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    });

    public static SocketIoPayload Id(string id) => SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteEndObject();
    });

    /// <summary>JSON from the media node, as it is.</summary>
    public static SocketIoPayload Raw(string text) => SocketIoPayload.Of(json => json.WriteRawValue(text));

    public static SocketIoPayload Wrapped(string name, string text) => SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WritePropertyName(name);
        json.WriteRawValue(text);
        json.WriteEndObject();
    });

    public static SocketIoPayload Consumer(ConsumerCreated consumer) => SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WriteString("id", consumer.ConsumerId);
        json.WriteString("producerId", consumer.ProducerId);
        json.WriteString("kind", Kind(consumer.Kind));
        json.WritePropertyName("rtpParameters");
        json.WriteRawValue(consumer.RtpParametersJson);
        json.WriteBoolean("producerPaused", consumer.ProducerPaused);
        json.WriteEndObject();
    });

    public static SocketIoPayload Peer(ParticipantInfo peer) => SocketIoPayload.Of(json => Write(json, peer));

    public static SocketIoPayload PeerLeft(string peerId) => SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WriteString("peerId", peerId);
        json.WriteEndObject();
    });

    public static SocketIoPayload NewProducer(ProducerInfo producer) => SocketIoPayload.Of(json => Write(json, producer));

    public static SocketIoPayload Producer(string peerId, string producerId) => SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WriteString("peerId", peerId);
        json.WriteString("producerId", producerId);
        json.WriteEndObject();
    });

    public static SocketIoPayload Speakers(Speaker[] speakers) => SocketIoPayload.Of(json =>
    {
        json.WriteStartArray();
        foreach (Speaker speaker in speakers)
        {
            json.WriteStartObject();
            json.WriteString("peerId", speaker.ParticipantId);
            json.WriteNumber("level", speaker.Level);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    public static SocketIoPayload Evicted(string roomId, LeaveReason reason) => SocketIoPayload.Of(json =>
    {
        json.WriteStartObject();
        json.WriteString("roomId", roomId);
        json.WriteString("reason", reason.ToString());
        json.WriteEndObject();
    });

    private static string Kind(MediaKind kind) => kind == MediaKind.Audio ? "audio" : "video";

    private static void Write(Utf8JsonWriter json, ParticipantInfo peer)
    {
        // Users of this door left JSON; the text of another door's user becomes a JSON string.
        JsonElement user = peer.Door == MediasoupDoor.Name
            ? JsonElement.Parse(peer.UserText)
            : JsonSerializer.SerializeToElement(peer.UserText);
        json.WriteStartObject();
        json.WriteString("peerId", peer.ParticipantId);
        json.WritePropertyName("userId");
        user.WriteTo(json);

        // Only a name that the user chose: without one, the shape is the plain {peerId, userId}.
        if (peer.DisplayName.Length > 0 && peer.DisplayName != user.ToString())
        {
            json.WriteString("displayName", peer.DisplayName);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ProducerInfo producer)
    {
        json.WriteStartObject();
        json.WriteString("peerId", producer.ParticipantId);
        json.WriteString("producerId", producer.ProducerId);
        json.WriteString("kind", Kind(producer.Kind));
        if (producer.Paused)
        {
            json.WriteBoolean("paused", true);
        }

        json.WriteEndObject();
    }
}
