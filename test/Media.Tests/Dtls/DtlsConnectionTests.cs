using System.Buffers.Binary;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Media.Tests.Dtls;

/// <summary>Handshakes in memory: profiles, loss, fragments, forgeries.</summary>
public class DtlsConnectionTests
{
    public static TheoryData<SrtpProfile> Profiles => [SrtpProfile.Aes128CmSha1_80, SrtpProfile.AeadAes128Gcm, SrtpProfile.AeadAes256Gcm];

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Handshake_EachProfile_KeysFitBothWays(SrtpProfile profile)
    {
        using var pair = new DtlsPair([profile]);
        Connect(pair);
        Assert.Equal(profile, pair.Client.SrtpProfile);
        Assert.Equal(profile, pair.Server.SrtpProfile);
        Assert.Equal(long.MaxValue, pair.Server.NextTimeout);
        AssertMediaFlows(pair);
    }

    [Fact]
    public void Handshake_AllProfilesOffered_TheServersBestIsTaken()
    {
        using var pair = new DtlsPair([SrtpProfile.Aes128CmSha1_80, SrtpProfile.AeadAes256Gcm, SrtpProfile.AeadAes128Gcm]);
        Connect(pair);
        Assert.Equal(SrtpProfile.AeadAes128Gcm, pair.Server.SrtpProfile);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Handshake_LossReorderingDuplicates_ConnectsAllTheSame(int seed)
    {
        using var pair = new DtlsPair();
        var random = new Random(seed);
        byte[]? held = null;
        pair.Network = datagram =>
        {
            switch (random.Next(5))
            {
                case 0:
                    return [];
                case 1:
                    return [datagram, datagram];
                case 2:
                    var before = held;
                    held = datagram;
                    return before is null ? [] : [before];
                default:
                    var late = held;
                    held = null;
                    return late is null ? [datagram] : [datagram, late];
            }
        };
        Connect(pair);
        AssertMediaFlows(pair);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(40)]
    public void Handshake_ClientHelloInManyFragments_IsReassembled(int size)
    {
        // Browsers' ClientHello with X25519MLKEM768 spans several records; here each fragment has a datagram of its own.
        // The fragments use up record numbers that the client does not know of; its repeated flight gets past them.
        using var pair = new DtlsPair();
        var hello = Assert.Single(DtlsPair.Take(pair.Client));
        foreach (var fragment in Fragment(hello, size))
        {
            Assert.Equal(DropReason.None, pair.Server.Receive(fragment, DtlsPair.Now));
        }

        Connect(pair);
        AssertMediaFlows(pair);
    }

    [Fact]
    public void Handshake_ClientHelloInRecordsOfOneDatagram_IsReassembled()
    {
        using var pair = new DtlsPair();
        var hello = Assert.Single(DtlsPair.Take(pair.Client));
        var joined = Fragment(hello, 70).AsEnumerable().Reverse().SelectMany(static part => part).ToArray();
        Assert.Equal(DropReason.None, pair.Server.Receive(joined, DtlsPair.Now));
        Connect(pair);
    }

    [Fact]
    public void Handshake_WrongFingerprint_FailsAndGivesNoKeys()
    {
        using var pair = new DtlsPair();
        using var server = pair.Server;
        pair.Server = pair.NewServer(pair.ServerCertificate.Fingerprints[^1]);
        pair.RunUntil(() => pair.Server.State == DtlsState.Failed);
        Assert.Equal([DtlsEventKind.FingerprintMismatch], DtlsPair.Events(pair.Server));
        Assert.Throws<InvalidOperationException>(() => pair.Server.CreateSrtp());
        Assert.Equal(DropReason.DtlsRejected, pair.Server.Receive(new byte[20], DtlsPair.Now));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Handshake_FingerprintGivenAfterwards_IsVerifiedThen(int index)
    {
        using var pair = new DtlsPair();
        using var server = pair.Server;
        pair.Server = pair.NewServer(null);
        pair.RunUntil(() => pair.Client.State == DtlsState.Connected);
        Assert.Equal(DtlsState.Connecting, pair.Server.State);
        pair.Server.SetRemoteFingerprint(pair.ClientCertificate.Fingerprints[index]);
        Assert.Equal(DtlsState.Connected, pair.Server.State);
        AssertMediaFlows(pair);
    }

    [Fact]
    public void Handshake_NoCommonProfile_Fails()
    {
        using var pair = new DtlsPair([SrtpProfile.AeadAes256Gcm], [SrtpProfile.Aes128CmSha1_80]);
        pair.RunUntil(() => pair.Server.State == DtlsState.Failed);
        Assert.Equal([DtlsEventKind.NoSrtpProfile], DtlsPair.Events(pair.Server));
    }

    [Fact]
    public void Dtls_BadHelloFirst_DoesNotKeepTheClientOut()
    {
        // CVE-2023-49786 and kin: a hello of somebody else, or a broken one, comes before the client's own.
        using var pair = new DtlsPair();
        using var stranger = pair.NewClient(null);
        var strange = Assert.Single(DtlsPair.Take(stranger));
        Assert.Equal(DropReason.None, pair.Server.Receive(strange, DtlsPair.Now));
        Assert.NotEmpty(DtlsPair.Take(pair.Server));

        var broken = strange.ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(broken.AsSpan(25), 0x0101);
        broken.AsSpan(27, 32).Fill(9);
        broken.AsSpan(60).Fill(0xFF);
        pair.Server.Receive(broken, DtlsPair.Now);
        Assert.Equal(DtlsState.Connecting, pair.Server.State);
        Assert.Contains(DtlsEventKind.HandshakeFailed, DtlsPair.Events(pair.Server));

        pair.RunUntil(() => pair.Client.State == DtlsState.Connected && pair.Server.State == DtlsState.Connected);
        AssertMediaFlows(pair);
    }

    [Fact]
    public void Dtls_ForgedPlaintextAlert_EndsNothing()
    {
        using var pair = new DtlsPair();
        byte[] alert = [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
        Assert.Equal(DropReason.DtlsRejected, pair.Client.Receive(alert, DtlsPair.Now));
        Assert.Equal(DropReason.DtlsRejected, pair.Server.Receive(alert, DtlsPair.Now));
        pair.Network = datagram => [alert, datagram];
        Connect(pair);
        Assert.Equal(DropReason.DtlsRejected, pair.Server.Receive(alert, DtlsPair.Now));
        Assert.Equal(DtlsState.Connected, pair.Server.State);
    }

    [Fact]
    public void Dtls_GarbageAfterHandshake_EndsNothing()
    {
        using var pair = new DtlsPair();
        Connect(pair);
        var random = new Random(3);
        for (var i = 0; i < 1000; i++)
        {
            var garbage = new byte[random.Next(1, 200)];
            random.NextBytes(garbage);
            garbage[0] = (byte)random.Next(20, 24);
            if (garbage.Length > 13)
            {
                BinaryPrimitives.WriteUInt16BigEndian(garbage.AsSpan(1), 0xFEFD);
                BinaryPrimitives.WriteUInt16BigEndian(garbage.AsSpan(3), (ushort)random.Next(3));
                BinaryPrimitives.WriteUInt16BigEndian(garbage.AsSpan(11), (ushort)(garbage.Length - 13));
            }

            pair.Server.Receive(garbage, DtlsPair.Now);
        }

        Assert.Equal(DtlsState.Connected, pair.Server.State);
        AssertMediaFlows(pair);
    }

    [Fact]
    public void Dtls_FragmentLengthBeyondMessage_IsRejected()
    {
        // CVE-2026-63566: lengths of fragments are checked before anything is allocated for them.
        using var pair = new DtlsPair();
        var hello = Assert.Single(DtlsPair.Take(pair.Client));
        foreach (var (at, value) in new[] { (14, 0xFFFFFF), (14, 0x010001), (19, 0x000001), (19, 0xFFFFFF), (22, 0xFFFFFF), (22, 0), (14, 1) })
        {
            var broken = hello.ToArray();
            broken[at] = (byte)(value >> 16);
            broken[at + 1] = (byte)(value >> 8);
            broken[at + 2] = (byte)value;
            Assert.Equal(DropReason.DtlsRejected, pair.Server.Receive(broken, DtlsPair.Now));
        }

        pair.Server.Receive(hello, DtlsPair.Now);
        Connect(pair);
    }

    [Fact]
    public void Dtls_LastFlightLost_IsRepeatedAfterTheHandshake()
    {
        using var pair = new DtlsPair();
        var dropped = 0;
        pair.Network = datagram =>
        {
            // The server's last flight begins with ChangeCipherSpec while the server is connected already.
            var lose = pair.Server.State == DtlsState.Connected && pair.Client.State != DtlsState.Connected && dropped < 2;
            dropped += lose ? 1 : 0;
            return lose ? [] : [datagram];
        };
        Connect(pair);
        Assert.True(dropped > 0);
        AssertMediaFlows(pair);
    }

    [Fact]
    public void Close_EitherSide_TellsTheOther()
    {
        using var pair = new DtlsPair();
        Connect(pair);
        DtlsPair.Events(pair.Server);
        pair.Client.Close();
        Assert.Equal(DtlsState.Closed, pair.Client.State);
        pair.Exchange();
        Assert.Equal(DtlsState.Closed, pair.Server.State);
        Assert.Equal([DtlsEventKind.ClosedByPeer], DtlsPair.Events(pair.Server));
    }

    [Fact]
    public void TakeDatagram_ServerFlight_SharesDatagramsWithinTheLimit()
    {
        // A memory BIO hands back the flight in one piece; a record must never be cut, nor each have its own datagram.
        using var pair = new DtlsPair();
        pair.Server.Receive(Assert.Single(DtlsPair.Take(pair.Client)), DtlsPair.Now);
        var flight = DtlsPair.Take(pair.Server);
        var records = 0;
        foreach (var datagram in flight)
        {
            ReadOnlySpan<byte> rest = datagram;
            while (DtlsRecords.TryTake(ref rest, out _))
            {
                records++;
            }

            Assert.True(rest.IsEmpty);
            Assert.InRange(datagram.Length, 1, DtlsConnection.MaxDatagram);
        }

        Assert.True(records > flight.Count);
    }

    [Fact]
    public void Fingerprint_TryParse_TakesOnlyWholeSoundHashes()
    {
        var own = DtlsCertificate.Create(DateTimeOffset.UtcNow).Fingerprints;
        Assert.Equal(["sha-512", "sha-384", "sha-256"], own.Select(static item => item.Algorithm));
        foreach (var item in own)
        {
            Assert.True(DtlsFingerprint.TryParse(item.Algorithm.ToUpperInvariant(), item.Value.ToLowerInvariant(), out var read));
            Assert.Equal(item, read);
        }

        Assert.False(DtlsFingerprint.TryParse("sha-1", own[2].Value, out _));
        Assert.False(DtlsFingerprint.TryParse("sha-512", own[2].Value, out _));
        Assert.False(DtlsFingerprint.TryParse("sha-256", own[2].Value[..^1] + "G", out _));
        Assert.False(DtlsFingerprint.TryParse(null, null, out _));
        Assert.False(DtlsFingerprint.TryParse("sha-256", own[2].Value.Replace(':', '-'), out _));
        Assert.False(default(DtlsFingerprint).Matches([1]));
    }

    [Theory]
    [InlineData("sha-256")]
    [InlineData("sha-384")]
    [InlineData("sha-512")]
    public void Fingerprint_Matches_TheHashOfThatCertificateAlone(string algorithm)
    {
        byte[] certificate = [1, 2, 3];
        var right = DtlsFingerprint.Of(certificate, algorithm);
        Assert.True(right.Matches(certificate));
        Assert.True(new DtlsFingerprint(algorithm.ToUpperInvariant(), right.Value.ToLowerInvariant()).Matches(certificate));
        Assert.False(right.Matches([1, 2, 4]));
        Assert.False((right with { Value = right.Value[..^1] + (right.Value[^1] == '0' ? '1' : '0') }).Matches(certificate));
        Assert.False((right with { Value = right.Value + ":00" }).Matches(certificate));
    }

    private static void Connect(DtlsPair pair) =>
        pair.RunUntil(() => pair.Client.State == DtlsState.Connected && pair.Server.State == DtlsState.Connected);

    private static void AssertMediaFlows(DtlsPair pair)
    {
        var (clientSender, clientReceiver) = pair.Client.CreateSrtp();
        var (serverSender, serverReceiver) = pair.Server.CreateSrtp();
        foreach (var (sender, receiver) in new[] { (clientSender, serverReceiver), (serverSender, clientReceiver) })
        {
            var buffer = new byte[100];
            buffer[0] = 0x80;
            var length = sender.ProtectRtp(buffer, 60);
            Assert.Equal(DropReason.None, receiver.UnprotectRtp(buffer.AsSpan(0, length), out length));
            Assert.Equal(60, length);
            sender.Dispose();
            receiver.Dispose();
        }
    }

    /// <summary>Cuts the single handshake message of a datagram into records of at most so many body bytes.</summary>
    private static List<byte[]> Fragment(byte[] datagram, int size)
    {
        var header = datagram[..13];
        var message = datagram[13..25];
        var body = datagram[25..];
        var records = new List<byte[]>();
        for (var at = 0; at < body.Length; at += size)
        {
            var take = Math.Min(size, body.Length - at);
            var record = new byte[25 + take];
            header.CopyTo(record, 0);
            BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(9), (ushort)records.Count);
            BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(11), (ushort)(12 + take));
            message.CopyTo(record, 13);
            record[19] = 0;
            BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(20), (ushort)at);
            record[22] = 0;
            BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(23), (ushort)take);
            body.AsSpan(at, take).CopyTo(record.AsSpan(25));
            records.Add(record);
        }

        return records;
    }
}
