namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>What can be told of an Opus payload without decoding (RFC 6716 §3).</summary>
public static class Opus
{
    /// <summary>Clock of all Opus streams (RFC 7587 §4.1), Hz.</summary>
    public const int ClockRate = 48_000;

    /// <summary>RTP time of the frames that clients send and that <see cref="Silence"/> lasts: 20 ms.</summary>
    public const int FrameDuration = ClockRate / 50;

    /// <summary>
    /// A frame of digital silence: CELT, fullband, 20 ms, mono, one frame (RFC 6716 §3.1: configuration 31), and the bytes
    /// that its range decoder reads as the silence flag (§4.3).
    /// </summary>
    public static ReadOnlySpan<byte> Silence => [0xF8, 0xFF, 0xFE];
    /// <summary>Samples of the longest packet: 120 ms (RFC 6716 §3.2.5, R5).</summary>
    public const int MaxSamples = 5_760;

    /// <summary>Bytes of the longest frame (RFC 6716 §3.2.1).</summary>
    public const int MaxFrameLength = 1_275;

    /// <summary>True for a DTX packet: a TOC byte with at most one more (RFC 6716 §2.1.9: nothing worth sending is 2 bytes or less).</summary>
    public static bool IsDtx(ReadOnlySpan<byte> payload) => payload.Length is 1 or 2;

    /// <summary>
    /// The packet's duration in samples of 48 kHz. False when it breaks one of the rules R1 to R7 of RFC 6716 §3.4, which is
    /// exactly when a decoder refuses it.
    /// </summary>
    public static bool TryGetSamples(ReadOnlySpan<byte> payload, out int samples)
    {
        samples = 0;
        if (payload.IsEmpty)
        {
            return false;
        }

        var frame = SamplesOfFrame(payload[0]);
        var rest = payload[1..];
        var frames = 1;
        var valid = (payload[0] & 0x03) switch
        {
            // :: §3.2.2: one frame; R2.
            0 => rest.Length <= MaxFrameLength,

            // :: §3.2.3: two frames of one size; R3.
            1 => (frames = 2) == 2 && rest.Length % 2 == 0 && rest.Length / 2 <= MaxFrameLength,

            // :: §3.2.4: two frames, the first with its length; R4.
            2 => (frames = 2) == 2 && TryReadLength(ref rest, out var first) && first <= rest.Length && rest.Length - first <= MaxFrameLength,

            // :: §3.2.5.
            _ => TryReadFrames(rest, out frames),
        };
        samples = frame * frames;
        return valid && samples <= MaxSamples;
    }

    // §3.1, table 2.
    private static int SamplesOfFrame(byte toc)
    {
        var config = toc >> 3;
        return config switch
        {
            < 12 => (config & 3) == 3 ? 2_880 : 480 << (config & 3),
            < 16 => 480 << (config & 1),
            _ => 120 << (config & 3),
        };
    }

    private static bool TryReadFrames(ReadOnlySpan<byte> rest, out int frames)
    {
        frames = 0;
        if (rest.IsEmpty)
        {
            return false;
        }

        var head = rest[0];
        frames = head & 0x3F;
        rest = rest[1..];
        if (frames == 0)
        {
            return false;
        }

        if ((head & 0x40) != 0 && !TryTakePadding(ref rest))
        {
            return false;
        }

        if ((head & 0x80) == 0)
        {
            // R6: frames of one size.
            return rest.Length % frames == 0 && rest.Length / frames <= MaxFrameLength;
        }

        // R7: all lengths but the last.
        var sum = 0;
        for (var i = 0; i < frames - 1; i++)
        {
            if (!TryReadLength(ref rest, out var length))
            {
                return false;
            }

            sum += length;
        }

        return sum <= rest.Length && rest.Length - sum <= MaxFrameLength;
    }

    private static bool TryTakePadding(ref ReadOnlySpan<byte> rest)
    {
        var padding = 0;
        byte one;
        do
        {
            if (rest.IsEmpty)
            {
                return false;
            }

            one = rest[0];
            rest = rest[1..];
            padding += one == 255 ? 254 : one;
        }
        while (one == 255);

        if (padding > rest.Length)
        {
            return false;
        }

        rest = rest[..^padding];
        return true;
    }

    // §3.2.1.
    private static bool TryReadLength(ref ReadOnlySpan<byte> rest, out int length)
    {
        length = 0;
        if (rest.IsEmpty)
        {
            return false;
        }

        length = rest[0];
        if (length < 252)
        {
            rest = rest[1..];
            return true;
        }

        if (rest.Length < 2)
        {
            return false;
        }

        length += rest[1] * 4;
        rest = rest[2..];
        return true;
    }
}
