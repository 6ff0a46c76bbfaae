using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Media.Tests.Srtp;

/// <summary>Published vectors of RFC 3711, 6188 and 7714, and packets made by libsrtp 2.5.0.</summary>
public class SrtpVectorTests
{
    private const string RtpPlain = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
    private const string RtcpPlain = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
    private const string Key128 = "000102030405060708090a0b0c0d0e0f";
    private const string Key256 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    [Theory]
    [InlineData(0, "C61E7A93744F39EE10734AFE3FF7A087")]
    [InlineData(2, "30CBBC08863D8C85D49DB34A9AE1")]
    [InlineData(1, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2")]
    public void KeyDerivation_Rfc3711B3_Matches(byte label, string expected) =>
        AssertDerived("E1F97A0D3E018BE0D64FA32C06DE4139", "0EC675AD498AFEEBB6960B3AABE6", label, expected);

    [Theory]
    [InlineData(0, "5BA1064E30EC51613CAD926C5A28EF731EC7FB397F70A960653CAF06554CD8C4")]
    [InlineData(2, "FA31791685CA444A9E07C6C64E93")]
    public void KeyDerivation_Rfc6188Aes256_Matches(byte label, string expected) =>
        AssertDerived("F0F04914B513F2763A1B1FA130F10E2998F6F6E43E4309D1E622A0E332B9F1B6", "3B04803DE51EE7C96423AB5B78D2", label, expected);

    [Theory]
    [InlineData(SrtpProfile.AeadAes128Gcm, Key128, "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce")]
    [InlineData(SrtpProfile.AeadAes256Gcm, Key256, "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13")]
    public void Rtp_Rfc7714Section16_MatchesBothWays(SrtpProfile profile, string key, string expected)
    {
        using var sender = new SrtpSender(Session(profile, key, encrypt: true));
        using var receiver = new SrtpReceiver(Session(profile, key, encrypt: false));
        var buffer = Padded(RtpPlain);
        var length = sender.ProtectRtp(buffer, RtpPlain.Length / 2);
        Assert.Equal(expected, Convert.ToHexStringLower(buffer.AsSpan(0, length)));
        Assert.Equal(DropReason.None, receiver.UnprotectRtp(buffer.AsSpan(0, length), out length));
        Assert.Equal(RtpPlain, Convert.ToHexStringLower(buffer.AsSpan(0, length)));
    }

    [Theory]
    [InlineData(SrtpProfile.AeadAes128Gcm, Key128, "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4")]
    [InlineData(SrtpProfile.AeadAes256Gcm, Key256, "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4")]
    public void Rtcp_Rfc7714Section17_Opens(SrtpProfile profile, string key, string wire)
    {
        using var receiver = new SrtpReceiver(Session(profile, key, encrypt: false));
        var packet = Convert.FromHexString(wire);
        Assert.Equal(DropReason.None, receiver.UnprotectRtcp(packet, out var length));
        Assert.Equal(RtcpPlain, Convert.ToHexStringLower(packet.AsSpan(0, length)));
    }

    [Theory]
    [InlineData("rtp")]
    [InlineData("rtcp")]
    public void LibSrtpPackets_AllProfiles_MatchBothWays(string kind)
    {
        var seen = 0;
        foreach (var profile in Enum.GetValues<SrtpProfile>().Where(static value => value != SrtpProfile.None))
        {
            SrtpSender? sender = null;
            SrtpReceiver? receiver = null;
            foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "TestData", "libsrtp-2.5.0.txt")))
            {
                var parts = line.Split(' ');
                if (parts[0] != profile.ToString() || parts[1] != kind)
                {
                    continue;
                }

                var master = Convert.FromHexString(parts[2]);
                var (key, salt) = (master[..profile.KeyLength()], master[profile.KeyLength()..]);
                if (sender is null)
                {
                    sender = new SrtpSender(profile, key, salt);
                    if (kind == "rtcp")
                    {
                        // libsrtp begins with index 1, RFC 3711 §3.4 with 0.
                        sender.ProtectRtcp(Padded(parts[3]), parts[3].Length / 2);
                    }
                }

                receiver ??= new SrtpReceiver(profile, key, salt);
                var buffer = Padded(parts[3]);
                var length = parts[3].Length / 2;
                length = kind == "rtp" ? sender.ProtectRtp(buffer, length) : sender.ProtectRtcp(buffer, length);
                Assert.Equal(parts[4], Convert.ToHexStringLower(buffer.AsSpan(0, length)));

                var packet = Convert.FromHexString(parts[4]);
                Assert.Equal(DropReason.None, kind == "rtp" ? receiver.UnprotectRtp(packet, out length) : receiver.UnprotectRtcp(packet, out length));
                Assert.Equal(parts[3], Convert.ToHexStringLower(packet.AsSpan(0, length)));
                seen++;
            }

            sender?.Dispose();
            receiver?.Dispose();
        }

        Assert.Equal(kind == "rtp" ? 12 : 6, seen);
    }

    private static void AssertDerived(string key, string salt, byte label, string expected)
    {
        var output = new byte[expected.Length / 2];
        using var derivation = new SrtpKeyDerivation(Convert.FromHexString(key), Convert.FromHexString(salt));
        derivation.Derive(label, output);
        Assert.Equal(expected, Convert.ToHexString(output));
    }

    private static SrtpSession Session(SrtpProfile profile, string key, bool encrypt) =>
        SrtpSession.FromSessionKeys(profile, Convert.FromHexString(key), default, "Quid pro quo"u8, encrypt);

    private static byte[] Padded(string hex)
    {
        var buffer = new byte[(hex.Length / 2) + SrtpProfiles.MaxTrailer];
        Convert.FromHexString(hex).CopyTo(buffer, 0);
        return buffer;
    }
}
