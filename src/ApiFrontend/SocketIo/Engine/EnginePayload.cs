using System.Buffers;
using System.Buffers.Text;

namespace VoiceCluster.ApiFrontend.SocketIo.Engine;

/// <summary>
/// Several packets in one HTTP body: joined by the record separator 0x1e, binary ones as <c>b</c> and base64
/// (Engine.IO protocol 4, "Payload").
/// </summary>
internal static class EnginePayload
{
    private const byte Separator = 0x1e;

    /// <summary>Reads a body. False when a packet is malformed or there are more than <paramref name="maxPackets"/>.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> body, int maxPackets, List<EnginePacket> packets)
    {
        while (true)
        {
            int end = body.Span.IndexOf(Separator);
            ReadOnlyMemory<byte> frame = end < 0 ? body : body[..end];
            if (packets.Count == maxPackets || !TryParseFrame(frame, out EnginePacket packet))
            {
                return false;
            }

            packets.Add(packet);
            if (end < 0)
            {
                return true;
            }

            body = body[(end + 1)..];
        }
    }

    /// <summary>Writes frames as one body.</summary>
    public static void Write(IReadOnlyList<EngineFrame> frames, IBufferWriter<byte> output)
    {
        for (int i = 0; i < frames.Count; i++)
        {
            if (i > 0)
            {
                output.Write([Separator]);
            }

            if (!frames[i].IsBinary)
            {
                output.Write(frames[i].Bytes.Span);
                continue;
            }

            output.Write("b"u8);
            Span<byte> target = output.GetSpan(Base64.GetMaxEncodedToUtf8Length(frames[i].Bytes.Length));
            Base64.EncodeToUtf8(frames[i].Bytes.Span, target, out _, out int written);
            output.Advance(written);
        }
    }

    private static bool TryParseFrame(ReadOnlyMemory<byte> frame, out EnginePacket packet)
    {
        if (frame.IsEmpty || frame.Span[0] != (byte)'b')
        {
            return EnginePacket.TryParseText(frame, out packet);
        }

        ReadOnlySpan<byte> text = frame.Span[1..];
        byte[] data = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (Base64.DecodeFromUtf8(text, data, out int consumed, out int written) != OperationStatus.Done || consumed != text.Length)
        {
            packet = default;
            return false;
        }

        packet = EnginePacket.FromBinary(data.AsMemory(0, written));
        return true;
    }
}
