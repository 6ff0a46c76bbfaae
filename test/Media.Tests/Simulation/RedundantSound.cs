using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>Opus with redundancy (RFC 2198) as Chromium sends it: payload type 63 beside 111, one copy of the packet before.</summary>
internal static class RedundantSound
{
    public const byte ClientRed = 63;

    /// <summary>A producer that has asked for it.</summary>
    public static RtpParameters Parameters(uint ssrc)
    {
        var opus = MediaFixtures.Audio(ssrc);
        return opus with { Codecs = [Codec(ClientRed, "111/111"), .. opus.Codecs] };
    }

    /// <summary>The codec beside Opus.</summary>
    public static RtpCodecParameters Codec(int payloadType, string levels) => new()
    {
        MimeType = "audio/red",
        PayloadType = payloadType,
        ClockRate = 48_000,
        Channels = 2,
        Parameters = new() { [levels] = System.Text.Json.JsonSerializer.SerializeToElement("") },
    };

    /// <summary>A payload of copies, the oldest first, each with its distance in RTP time, and the packet itself.</summary>
    public static byte[] Payload(byte[] primary, params ReadOnlySpan<(int TimestampOffset, byte[] Bytes)> copies)
    {
        var payload = new List<byte>();
        foreach (var (offset, bytes) in copies)
        {
            payload.AddRange([0x80 | MediaFixtures.ClientOpus, (byte)(offset >> 6), (byte)((offset << 2) | (bytes.Length >> 8)), (byte)bytes.Length]);
        }

        payload.Add(MediaFixtures.ClientOpus);
        foreach (var (_, bytes) in copies)
        {
            payload.AddRange(bytes);
        }

        return [.. payload, .. primary];
    }

    /// <summary>A packet of it, with a level.</summary>
    public static byte[] Packet(uint ssrc, ushort sequence, uint timestamp, byte[] payload, byte level = 20)
        => MediaFixtures.Packet(ClientRed, ssrc, sequence, timestamp, payload, MediaFixtures.ClientAudioLevelId, [(byte)(0x80 | level)]);
}
