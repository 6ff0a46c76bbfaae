namespace VoiceCluster.Media.Audio;

/// <summary>The client-to-mixer audio level of a packet (RFC 6464 §3).</summary>
/// <param name="Level">In -dBov: 0 is the loudest, 127 silence.</param>
/// <param name="IsVoice">The sender's opinion, V.</param>
public readonly record struct AudioLevel(byte Level, bool IsVoice)
{
    /// <summary>Reads the element; false when it is empty.</summary>
    public static bool TryParse(ReadOnlySpan<byte> element, out AudioLevel level)
    {
        level = default;
        if (element.IsEmpty)
        {
            return false;
        }

        level = new AudioLevel((byte)(element[0] & 0x7F), (element[0] & 0x80) != 0);
        return true;
    }
}
