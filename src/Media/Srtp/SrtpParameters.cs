using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace VoiceCluster.Media.Srtp;

/// <summary>The key with which one end sends, as it is signalled: mediasoup's srtpParameters.</summary>
/// <param name="CryptoSuite">AEAD_AES_128_GCM, AEAD_AES_256_GCM or AES_CM_128_HMAC_SHA1_80.</param>
/// <param name="KeyBase64">Master key and, behind it, master salt.</param>
public sealed record SrtpParameters(string CryptoSuite, string KeyBase64)
{
    /// <summary>What media nodes use between themselves.</summary>
    public const string DefaultSuite = "AEAD_AES_128_GCM";

    /// <summary>The suites that there are.</summary>
    public static IReadOnlyList<string> Suites { get; } = ["AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_80"];

    /// <summary>A new random key.</summary>
    public static SrtpParameters Create(string suite = DefaultSuite)
    {
        var profile = ProfileOf(suite);
        return profile == SrtpProfile.None
            ? throw new ArgumentException($"There is no crypto suite {suite}.", nameof(suite))
            : new SrtpParameters(suite, Convert.ToBase64String(RandomNumberGenerator.GetBytes(profile.KeyLength() + profile.SaltLength())));
    }

    /// <summary>The profile with key and salt; false for an unknown suite or a key of the wrong length.</summary>
    public bool TryRead(out SrtpProfile profile, [NotNullWhen(true)] out byte[]? keyAndSalt)
    {
        profile = ProfileOf(CryptoSuite);
        keyAndSalt = null;
        if (profile == SrtpProfile.None || KeyBase64 is null || KeyBase64.Length > 128)
        {
            return false;
        }

        var bytes = new byte[96];
        if (!Convert.TryFromBase64String(KeyBase64, bytes, out var length) || length != profile.KeyLength() + profile.SaltLength())
        {
            return false;
        }

        keyAndSalt = bytes[..length];
        return true;
    }

    /// <summary>Without the key, which belongs into no log.</summary>
    public override string ToString() => $"SrtpParameters {{ CryptoSuite = {CryptoSuite} }}";

    private static SrtpProfile ProfileOf(string? suite) => suite switch
    {
        "AEAD_AES_128_GCM" => SrtpProfile.AeadAes128Gcm,
        "AEAD_AES_256_GCM" => SrtpProfile.AeadAes256Gcm,
        "AES_CM_128_HMAC_SHA1_80" => SrtpProfile.Aes128CmSha1_80,
        _ => SrtpProfile.None,
    };
}
