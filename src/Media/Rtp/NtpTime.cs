namespace VoiceCluster.Media.Rtp;

/// <summary>A 64-bit NTP time stamp: seconds since 1900 in 32.32 fixed point (RFC 3550 §4).</summary>
public readonly record struct NtpTime(ulong Value)
{
    /// <summary>Seconds from 1900 to 1970.</summary>
    private const ulong UnixEpochSeconds = 2_208_988_800;

    /// <summary>The middle 32 bits, as LSR has them (RFC 3550 §6.4.1).</summary>
    public uint Middle => (uint)(Value >> 16);

    /// <summary>From microseconds since 1970.</summary>
    public static NtpTime FromUnixMicroseconds(long microseconds)
    {
        var (seconds, rest) = Math.DivRem(microseconds, 1_000_000);
        if (rest < 0)
        {
            seconds--;
            rest += 1_000_000;
        }

        return new NtpTime((((ulong)seconds + UnixEpochSeconds) << 32) | (((ulong)rest << 32) / 1_000_000));
    }

    /// <summary>To microseconds since 1970. Meaningless input gives a meaningless number, no exception.</summary>
    public long ToUnixMicroseconds()
    {
        var seconds = unchecked((long)((Value >> 32) - UnixEpochSeconds));
        return unchecked(seconds * 1_000_000) + (long)(((Value & 0xFFFF_FFFF) * 1_000_000) >> 32);
    }

    /// <summary>abs-send-time: the low 6 bits of the seconds and 18 bits of fraction.</summary>
    public uint ToAbsSendTime() => (uint)(Value >> 14) & 0xFF_FFFF;
}
