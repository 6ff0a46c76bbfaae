using System.Security.Cryptography;

namespace VoiceCluster.Media.Srtp;

/// <summary>The two ciphers of one direction, made from its master key.</summary>
internal sealed class SrtpSession : IDisposable
{
    private SrtpSession(SrtpProfile profile, SrtpCipher rtp, SrtpCipher rtcp)
    {
        Profile = profile;
        Rtp = rtp;
        Rtcp = rtcp;
        TagLength = profile.TagLength();
        IsAead = profile.IsAead();
    }

    public SrtpProfile Profile { get; }

    public SrtpCipher Rtp { get; }

    public SrtpCipher Rtcp { get; }

    public int TagLength { get; }

    public bool IsAead { get; }

    public static SrtpSession FromMaster(SrtpProfile profile, ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt, bool encrypt)
    {
        if (key.Length != profile.KeyLength() || salt.Length != profile.SaltLength())
        {
            throw new ArgumentException($"{profile} wants a master key of {profile.KeyLength()} and a salt of {profile.SaltLength()} bytes.");
        }

        using var derivation = new SrtpKeyDerivation(key, salt);
        return new SrtpSession(
            profile,
            Make(profile, derivation, SrtpKeyDerivation.RtpKey, encrypt),
            Make(profile, derivation, SrtpKeyDerivation.RtcpKey, encrypt));
    }

    /// <summary>For the vectors of RFC 7714, which give session keys.</summary>
    public static SrtpSession FromSessionKeys(SrtpProfile profile, ReadOnlySpan<byte> key, ReadOnlySpan<byte> macKey, ReadOnlySpan<byte> salt, bool encrypt) =>
        new(profile, new SrtpCipher(profile, key, macKey, salt, encrypt), new SrtpCipher(profile, key, macKey, salt, encrypt));

    public void Dispose()
    {
        Rtp.Dispose();
        Rtcp.Dispose();
    }

    /// <summary>Labels come in threes: key, authentication, salt.</summary>
    private static SrtpCipher Make(SrtpProfile profile, in SrtpKeyDerivation derivation, byte label, bool encrypt)
    {
        Span<byte> key = stackalloc byte[profile.KeyLength()];
        Span<byte> mac = stackalloc byte[profile.IsAead() ? 0 : SrtpCipher.MacSize];
        Span<byte> salt = stackalloc byte[profile.SaltLength()];
        derivation.Derive(label, key);
        derivation.Derive((byte)(label + 1), mac);
        derivation.Derive((byte)(label + 2), salt);
        var cipher = new SrtpCipher(profile, key, mac, salt, encrypt);
        CryptographicOperations.ZeroMemory(key);
        CryptographicOperations.ZeroMemory(mac);
        return cipher;
    }
}
