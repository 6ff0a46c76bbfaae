namespace VoiceCluster.ApiFrontend.SocketIo.Engine;

/// <summary>Packet types of Engine.IO protocol 4; the value is the digit on the wire.</summary>
internal enum EnginePacketType : byte
{
    Open = 0,
    Close = 1,
    Ping = 2,
    Pong = 3,
    Message = 4,
    Upgrade = 5,
    Noop = 6,
}

/// <summary>A received packet. Text data is UTF-8 without the type digit; binary data is always a message.</summary>
internal readonly record struct EnginePacket(EnginePacketType Type, ReadOnlyMemory<byte> Data, bool IsBinary)
{
    /// <summary>Reads a text frame: one digit and the data, which must be UTF-8.</summary>
    public static bool TryParseText(ReadOnlyMemory<byte> frame, out EnginePacket packet)
    {
        packet = default;
        if (frame.IsEmpty)
        {
            return false;
        }

        int type = frame.Span[0] - '0';
        if (type is < 0 or > (int)EnginePacketType.Noop || !System.Text.Unicode.Utf8.IsValid(frame.Span))
        {
            return false;
        }

        packet = new EnginePacket((EnginePacketType)type, frame[1..], IsBinary: false);
        return true;
    }

    /// <summary>A binary WebSocket message is a message packet without a type digit.</summary>
    public static EnginePacket FromBinary(ReadOnlyMemory<byte> data) => new(EnginePacketType.Message, data, IsBinary: true);
}

/// <summary>A packet ready to be sent: text with its type digit, or plain binary.</summary>
internal readonly record struct EngineFrame(ReadOnlyMemory<byte> Bytes, bool IsBinary)
{
    public static EngineFrame Ping { get; } = Text("2");

    public static EngineFrame ProbePong { get; } = Text("3probe");

    public static EngineFrame Close { get; } = Text("1");

    public static EngineFrame Noop { get; } = Text("6");

    private static EngineFrame Text(string text) => new(System.Text.Encoding.UTF8.GetBytes(text), IsBinary: false);
}
