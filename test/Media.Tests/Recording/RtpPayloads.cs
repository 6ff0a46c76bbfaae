using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Tests.Recording;

/// <summary>Cuts frames into RTP payloads as senders do (RFC 7741, RFC 9628, RFC 6184).</summary>
internal static class RtpPayloads
{
    private const int Size = 1_100;

    public static List<byte[]> Of(PayloadFormat format, byte[] frame) => format switch
    {
        PayloadFormat.Vp8 => [.. Cut(frame).Select((part, i) => (byte[])[(byte)(i == 0 ? 0x10 : 0), .. part])],
        PayloadFormat.Vp9 => Vp9(frame),
        _ => H264(frame),
    };

    private static List<byte[]> Vp9(byte[] frame)
    {
        // Profile 0: frame_type is the sixth bit, 0 for a key frame.
        var inter = (frame[0] & 0x04) != 0 ? 0x40 : 0;
        byte[][] parts = [.. Cut(frame)];
        return [.. parts.Select((part, i) => (byte[])[(byte)(0x80 | inter | (i == 0 ? 0x08 : 0) | (i == parts.Length - 1 ? 0x04 : 0)), 0x81, 0x02, .. part])];
    }

    private static List<byte[]> H264(byte[] units)
    {
        var packets = new List<byte[]>();
        var together = new List<byte> { 24 };
        for (var at = 0; at < units.Length;)
        {
            var length = BitConverter.ToInt32(units, at);
            var unit = units.AsSpan(at + 4, length).ToArray();
            at += 4 + length;
            if ((unit[0] & 0x1F) is 7 or 8)
            {
                together.AddRange([(byte)(length >> 8), (byte)length, .. unit]);
            }
            else if (length <= Size)
            {
                packets.Add(unit);
            }
            else
            {
                byte[][] parts = [.. Cut(unit[1..])];
                packets.AddRange(parts.Select((part, i) => (byte[])[
                    (byte)((unit[0] & 0xE0) | 28), (byte)((unit[0] & 0x1F) | (i == 0 ? 0x80 : 0) | (i == parts.Length - 1 ? 0x40 : 0)), .. part]));
            }
        }

        if (together.Count > 1)
        {
            packets.Insert(0, [.. together]);
        }

        return packets;
    }

    private static IEnumerable<byte[]> Cut(byte[] bytes)
    {
        for (var at = 0; at < bytes.Length; at += Size)
        {
            yield return bytes[at..Math.Min(bytes.Length, at + Size)];
        }
    }
}
