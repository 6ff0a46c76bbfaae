namespace VoiceCluster.Media.Srtp;

/// <summary>DTLS-SRTP protection profiles by their IANA numbers (RFC 5764 §4.1.2, RFC 7714 §14.2).</summary>
public enum SrtpProfile : ushort
{
    /// <summary>None agreed.</summary>
    None = 0,

    /// <summary>AES-128 counter mode with an 80-bit HMAC-SHA1 tag.</summary>
    Aes128CmSha1_80 = 0x0001,

    /// <summary>AES-128-GCM with a 128-bit tag.</summary>
    AeadAes128Gcm = 0x0007,

    /// <summary>AES-256-GCM with a 128-bit tag.</summary>
    AeadAes256Gcm = 0x0008,
}

/// <summary>Lengths that follow from a profile, in bytes.</summary>
public static class SrtpProfiles
{
    /// <summary>The most that protection adds to an RTP or RTCP packet: GCM's tag of 16 and SRTCP's index of 4.</summary>
    public const int MaxTrailer = 20;

    /// <summary>Master key bytes.</summary>
    public static int KeyLength(this SrtpProfile profile) => profile == SrtpProfile.AeadAes256Gcm ? 32 : 16;

    /// <summary>Master salt bytes.</summary>
    public static int SaltLength(this SrtpProfile profile) => profile == SrtpProfile.Aes128CmSha1_80 ? 14 : 12;

    /// <summary>Authentication tag bytes.</summary>
    public static int TagLength(this SrtpProfile profile) => profile == SrtpProfile.Aes128CmSha1_80 ? 10 : 16;

    /// <summary>Whether the profile is an AEAD of RFC 7714.</summary>
    public static bool IsAead(this SrtpProfile profile) => profile is SrtpProfile.AeadAes128Gcm or SrtpProfile.AeadAes256Gcm;
}
