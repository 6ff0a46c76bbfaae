using System.Text.Json;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>Packet types of Socket.IO protocol 5; the value is the digit on the wire.</summary>
internal enum SocketPacketType : byte
{
    Connect = 0,
    Disconnect = 1,
    Event = 2,
    Ack = 3,
    ConnectError = 4,
    BinaryEvent = 5,
    BinaryAck = 6,
}

/// <summary>A parsed packet; attachments follow as binary messages and are not part of it.</summary>
/// <param name="Payload">Undefined when the packet carries none; an array for events and acks.</param>
internal readonly record struct SocketPacket(
    SocketPacketType Type,
    int Attachments,
    string Namespace,
    long? Id,
    JsonElement Payload);
