using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>Writes Socket.IO packets as Engine.IO frames.</summary>
internal static class SocketPacketWriter
{
    /// <summary><c>40/ns,{"sid":…,"pid":…}</c></summary>
    public static EngineFrame Connect(string ns, string sid, string? pid) => Write(SocketPacketType.Connect, ns, null, 0, json =>
    {
        json.WriteStartObject();
        json.WriteString("sid"u8, sid);
        if (pid is not null)
        {
            json.WriteString("pid"u8, pid);
        }

        json.WriteEndObject();
    });

    /// <summary><c>44/ns,{"message":…}</c></summary>
    public static EngineFrame ConnectError(string ns, string message) => Write(SocketPacketType.ConnectError, ns, null, 0, json =>
    {
        json.WriteStartObject();
        json.WriteString("message"u8, message);
        json.WriteEndObject();
    });

    /// <summary><c>41/ns,</c></summary>
    public static EngineFrame Disconnect(string ns) => Write(SocketPacketType.Disconnect, ns, null, 0, null);

    /// <summary>An event and its attachments. The offset is a further argument, from which a client resumes.</summary>
    public static EngineFrame[] Event(string ns, string name, SocketIoPayload payload, long? id, string? offset)
    {
        SocketPacketType type = payload.Attachments.Count == 0 ? SocketPacketType.Event : SocketPacketType.BinaryEvent;
        return WithAttachments(payload, Write(type, ns, id, payload.Attachments.Count, json =>
        {
            json.WriteStartArray();
            json.WriteStringValue(name);
            payload.WriteItems(json);
            if (offset is not null)
            {
                json.WriteStringValue(offset);
            }

            json.WriteEndArray();
        }));
    }

    /// <summary>The answer to an event.</summary>
    public static EngineFrame[] Ack(string ns, long id, SocketIoPayload payload)
    {
        SocketPacketType type = payload.Attachments.Count == 0 ? SocketPacketType.Ack : SocketPacketType.BinaryAck;
        return WithAttachments(payload, Write(type, ns, id, payload.Attachments.Count, json =>
        {
            json.WriteStartArray();
            payload.WriteItems(json);
            json.WriteEndArray();
        }));
    }

    private static EngineFrame[] WithAttachments(SocketIoPayload payload, EngineFrame head)
    {
        var frames = new EngineFrame[1 + payload.Attachments.Count];
        frames[0] = head;
        for (int i = 0; i < payload.Attachments.Count; i++)
        {
            frames[i + 1] = new EngineFrame(payload.Attachments[i], IsBinary: true);
        }

        return frames;
    }

    private static EngineFrame Write(SocketPacketType type, string ns, long? id, int attachments, Action<Utf8JsonWriter>? payload)
    {
        var output = new ArrayBufferWriter<byte>(256);
        output.Write([(byte)('0' + (int)EnginePacketType.Message), (byte)('0' + (int)type)]);
        if (type is SocketPacketType.BinaryEvent or SocketPacketType.BinaryAck)
        {
            WriteNumber(output, attachments);
            output.Write("-"u8);
        }

        if (ns != "/")
        {
            Encoding.UTF8.GetBytes(ns, output);
            output.Write(","u8);
        }

        if (id is long number)
        {
            WriteNumber(output, number);
        }

        if (payload is not null)
        {
            using var json = new Utf8JsonWriter(output, SocketIoPayload.WireJson);
            payload(json);
        }

        return new EngineFrame(output.WrittenMemory, IsBinary: false);
    }

    private static void WriteNumber(ArrayBufferWriter<byte> output, long number)
    {
        Utf8Formatter.TryFormat(number, output.GetSpan(20), out int written);
        output.Advance(written);
    }
}
