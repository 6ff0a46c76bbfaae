using System.Buffers.Binary;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Media.Tests.Srtp;

/// <summary>Replay, roll-over, bounds and cost, for each profile.</summary>
public class SrtpBehaviourTests
{
    private const uint Ssrc = 0x11223344;

    public static TheoryData<SrtpProfile> Profiles => [SrtpProfile.Aes128CmSha1_80, SrtpProfile.AeadAes128Gcm, SrtpProfile.AeadAes256Gcm];

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Srtp_Replay_IsDropped(SrtpProfile profile)
    {
        var (sender, receiver) = Pair(profile);
        var packets = Enumerable.Range(1, 2_000).Select(i => Protect(sender, (ushort)i)).ToArray();
        Assert.Equal(DropReason.None, receiver.UnprotectRtp(packets[1_999].ToArray(), out _));
        Assert.Equal(DropReason.SrtpReplay, receiver.UnprotectRtp(packets[1_999].ToArray(), out _));

        // In any order within the window, once each; behind it never.
        Assert.Equal(DropReason.None, receiver.UnprotectRtp(packets[1_999 - 1_023].ToArray(), out _));
        Assert.Equal(DropReason.SrtpReplay, receiver.UnprotectRtp(packets[1_999 - 1_023].ToArray(), out _));
        Assert.Equal(DropReason.SrtpReplay, receiver.UnprotectRtp(packets[1_999 - 1_024].ToArray(), out _));

        var rtcp = ProtectRtcp(sender);
        Assert.Equal(DropReason.None, receiver.UnprotectRtcp(rtcp.ToArray(), out _));
        Assert.Equal(DropReason.SrtpReplay, receiver.UnprotectRtcp(rtcp.ToArray(), out _));
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Srtp_SequenceWraps_RollOverCounterFollowsThroughReorderingAndLoss(SrtpProfile profile)
    {
        var (sender, receiver) = Pair(profile);
        var random = new Random(4);
        var window = new List<byte[]>();
        var sequence = (ushort)65000;
        var delivered = 0;
        for (var i = 0; i < 200_000; i++)
        {
            window.Add(Protect(sender, sequence++));
            if (window.Count < 20)
            {
                continue;
            }

            var pick = random.Next(window.Count);
            var packet = window[pick];
            window.RemoveAt(pick);
            if (random.Next(10) == 0)
            {
                continue;
            }

            var result = receiver.UnprotectRtp(packet, out _);
            Assert.True(result is DropReason.None or DropReason.SrtpReplay, $"{result} at {i}");
            delivered += result == DropReason.None ? 1 : 0;
        }

        Assert.InRange(delivered, 175_000, 185_000);
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Srtp_HundredBadPackets_OnlyCount(SrtpProfile profile)
    {
        // CVE-2021-41105: no number of bad packets may end anything.
        var (sender, receiver) = Pair(profile);
        Assert.Equal(DropReason.None, receiver.UnprotectRtp(Protect(sender, 1), out _));
        for (ushort i = 2; i < 1000; i++)
        {
            var bad = Protect(sender, i);
            bad[^1] ^= 1;
            Assert.Equal(DropReason.SrtpAuthentication, receiver.UnprotectRtp(bad, out var length));
            Assert.Equal(0, length);
        }

        Assert.Equal(DropReason.None, receiver.UnprotectRtp(Protect(sender, 1000), out _));
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Srtp_ForgedSequenceAndSsrc_LeaveNoState(SrtpProfile profile)
    {
        var (sender, receiver) = Pair(profile);
        receiver.UnprotectRtp(Protect(sender, 10), out _);
        for (var i = 0; i < 5000; i++)
        {
            var forged = Protect(sender, (ushort)(11 + i));
            BinaryPrimitives.WriteUInt16BigEndian(forged.AsSpan(2), (ushort)(30000 + i));
            BinaryPrimitives.WriteUInt32BigEndian(forged.AsSpan(8), i % 2 == 0 ? Ssrc : (uint)i);
            Assert.NotEqual(DropReason.None, receiver.UnprotectRtp(forged, out _));
        }

        Assert.Equal(1, receiver.StreamCount);
        Assert.Equal(DropReason.None, receiver.UnprotectRtp(Protect(sender, 5100), out _));
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Srtp_MoreSsrcsThanAllowed_AreDropped(SrtpProfile profile)
    {
        var (sender, _) = Pair(profile);
        var key = Key(profile);
        using var receiver = new SrtpReceiver(profile, key.AsSpan(0, profile.KeyLength()), key.AsSpan(profile.KeyLength()), maxStreams: 100);
        for (var i = 0u; i < 200; i++)
        {
            Assert.Equal(i < 100 ? DropReason.None : DropReason.SrtpTooManyStreams, receiver.UnprotectRtp(Protect(sender, 1, i), out _));
        }

        Assert.Equal(DropReason.None, receiver.UnprotectRtp(Protect(sender, 2, 50), out _));
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Srtp_InconsistentHeaderLengths_AreRefusedBeforeCrypto(SrtpProfile profile)
    {
        // CVE-2013-2139: CSRC count and extension length that reach past the packet or into the tag.
        var (sender, receiver) = Pair(profile);
        var extension = Protect(sender, 1);
        extension[0] |= 0x10;
        BinaryPrimitives.WriteUInt16BigEndian(extension.AsSpan(14), 0xFFFF);
        Assert.Equal(DropReason.SrtpMalformed, receiver.UnprotectRtp(extension, out _));

        var csrcs = new byte[12 + profile.TagLength()];
        csrcs[0] = 0x8F;
        Assert.Equal(DropReason.SrtpMalformed, receiver.UnprotectRtp(csrcs, out _));
        for (var length = 0; length < 12 + profile.TagLength(); length++)
        {
            Assert.Equal(DropReason.SrtpMalformed, receiver.UnprotectRtp(new byte[length], out _));
        }

        for (var length = 0; length < 12 + profile.TagLength(); length++)
        {
            Assert.Equal(DropReason.SrtpMalformed, receiver.UnprotectRtcp(new byte[length], out _));
        }

        var buffer = new byte[64];
        buffer[0] = 0x9F;
        Assert.Equal(-1, sender.ProtectRtp(buffer, 12));
    }

    [Fact]
    public void Srtp_GcmNonce_IsNeverUsedTwice()
    {
        // GO-2026-4479 and RFC 7714 §8.4: the nonce is SSRC, ROC and SEQ, so a repeated index must not be sealed again.
        var (sender, _) = Pair(SrtpProfile.AeadAes128Gcm);
        var buffer = new byte[100];
        WriteRtp(buffer, 7, Ssrc);
        Assert.True(sender.ProtectRtp(buffer, 60) > 0);
        WriteRtp(buffer, 7, Ssrc);
        Assert.Equal(-1, sender.ProtectRtp(buffer, 60));
        WriteRtp(buffer, 7, Ssrc + 1);
        Assert.True(sender.ProtectRtp(buffer, 60) > 0);
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Srtp_HundredThousandPackets_AllocateNothing(SrtpProfile profile)
    {
        var (sender, receiver) = Pair(profile);
        var buffer = new byte[1200];
        Run(1, 1000);
        var before = Allocations.Begin();
        var good = Run(1001, 100_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(100_000, good);

        int Run(int first, int count)
        {
            var opened = 0;
            for (var i = 0; i < count; i++)
            {
                WriteRtp(buffer, (ushort)(first + i), Ssrc + (uint)(i & 3));
                var length = sender.ProtectRtp(buffer, 172);
                opened += receiver.UnprotectRtp(buffer.AsSpan(0, length), out _) == DropReason.None ? 1 : 0;
            }

            return opened;
        }
    }

    private static byte[] Protect(SrtpSender sender, ushort sequence, uint ssrc = Ssrc)
    {
        var buffer = new byte[100];
        WriteRtp(buffer, sequence, ssrc);
        var length = sender.ProtectRtp(buffer, 60);
        Assert.True(length > 60);
        return buffer[..length];
    }

    private static byte[] ProtectRtcp(SrtpSender sender)
    {
        var buffer = new byte[60];
        buffer[0] = 0x80;
        buffer[1] = 201;
        BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(4), Ssrc);
        return buffer[..sender.ProtectRtcp(buffer, 32)];
    }

    private static void WriteRtp(Span<byte> buffer, ushort sequence, uint ssrc)
    {
        buffer[0] = 0x80;
        buffer[1] = 111;
        BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[8..], ssrc);
    }

    private static (SrtpSender Sender, SrtpReceiver Receiver) Pair(SrtpProfile profile)
    {
        var key = Key(profile);
        return (
            new SrtpSender(profile, key.AsSpan(0, profile.KeyLength()), key.AsSpan(profile.KeyLength())),
            new SrtpReceiver(profile, key.AsSpan(0, profile.KeyLength()), key.AsSpan(profile.KeyLength())));
    }

    private static byte[] Key(SrtpProfile profile) =>
        [.. Enumerable.Range(1, profile.KeyLength() + profile.SaltLength()).Select(static value => (byte)value)];
}
