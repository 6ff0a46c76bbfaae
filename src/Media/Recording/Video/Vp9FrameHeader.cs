namespace VoiceCluster.Media.Recording.Video;

/// <summary>What a recorder wants of a VP9 frame's uncompressed header (VP9 bitstream specification §6.2).</summary>
/// <param name="IsKeyFrame">It needs no other.</param>
/// <param name="IsShown">A player shows it; false also for one that only names a frame to be shown again.</param>
/// <param name="ShownAt">Where the bit show_frame is.</param>
/// <param name="Bits">The header's length without what fills its last byte.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
internal readonly record struct Vp9FrameHeader(bool IsKeyFrame, bool IsShown, int ShownAt, int Bits, int Width, int Height)
{
    /// <summary>
    /// Lets a player decode the frame without showing it. One that is no key frame has a bit more then (intra_only, §6.2), for which there must be
    /// room for a byte behind <paramref name="length"/>. Nothing that is decoded changes, unless the next frame has the same size: such a one
    /// takes motion vectors from a frame that was shown alone (§7.2, UsePrevFrameMvs).
    /// </summary>
    /// <returns>The frame's length now.</returns>
    public int Hide(Span<byte> frame, int length)
    {
        frame[ShownAt >> 3] &= (byte)~(0x80 >> (ShownAt & 7));
        if (IsKeyFrame)
        {
            return length;
        }

        if ((Bits & 7) == 0)
        {
            // The header fills its bytes: one more for the new bit.
            frame[(Bits >> 3)..length].CopyTo(frame[((Bits >> 3) + 1)..]);
            frame[Bits >> 3] = 0;
            length++;
        }

        // Behind show_frame and error_resilient_mode.
        var at = ShownAt + 2;
        for (var i = Bits; i > at; i--)
        {
            Set(frame, i, Get(frame, i - 1));
        }

        Set(frame, at, false);
        return length;
    }

    private static bool Get(ReadOnlySpan<byte> bytes, int bit) => (bytes[bit >> 3] & (0x80 >> (bit & 7))) != 0;

    private static void Set(Span<byte> bytes, int bit, bool value)
    {
        var mask = (byte)(0x80 >> (bit & 7));
        bytes[bit >> 3] = (byte)(value ? bytes[bit >> 3] | mask : bytes[bit >> 3] & ~mask);
    }
}
