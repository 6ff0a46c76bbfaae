namespace VoiceCluster.Media.Audio;

/// <summary>The client-to-mixer audio level of a packet (RFC 6464 §3).</summary>
/// <param name="Level">In -dBov: 0 is the loudest, 127 silence.</param>
/// <param name="IsVoice">The sender's opinion, V.</param>
public readonly record struct AudioLevel(byte Level, bool IsVoice)
{
    /// <summary>The level of samples whose full scale is 1: RMS relative to it, in −dBov (RFC 6465 appendix A). A full-scale sine has 3.</summary>
    public static AudioLevel Of(ReadOnlySpan<float> samples)
    {
        var power = Mixing.Samples.Power(samples);
        return power <= 0 ? new AudioLevel(127, false) : new AudioLevel((byte)Math.Clamp(Math.Round(-10 * Math.Log10(power)), 0, 127), false);
    }

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
