using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Ice;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Stun;
using VoiceCluster.Media.Tests.Dtls;
using VoiceCluster.Media.Tests.Stun;

namespace VoiceCluster.Media.Tests.Fuzzing;

/// <summary>Mutations of sound datagrams against everything that reads bytes before they are authenticated.</summary>
public class CryptoFuzzTests
{
    [Fact]
    public void Stun_Mutations_NeverThrowAndBindNothing()
    {
        var local = IceCredentials.Create();
        var client = new IceClient(IceCredentials.Create(), local, 0);
        var request = new byte[256];
        var length = client.TakeDatagram(request, 0);
        var original = request[..length];
        byte[][] seeds = [original, StunVectorTests.Request, StunVectorTests.ResponseV4, StunVectorTests.ResponseV6];
        var agent = new IceLiteAgent(local);
        var from = TransportAddress.FromIPv4(1, 1);
        var response = new byte[IceLiteAgent.MaxResponse];
        var now = 0L;
        Fuzz.Run(seeds, input =>
        {
            if (StunMessage.TryParse(input, out var message))
            {
                message.VerifyIntegrity("password"u8);
                message.TryGetXorMappedAddress(out _);
                _ = message.TieBreaker + (ulong)message.ErrorCode + (message.Priority ?? 0) + (message.Nomination ?? 0);
                for (var i = 0; i < message.UnknownAttributeCount; i++)
                {
                    message.GetUnknownAttribute(i);
                }
            }

            IceLiteAgent.TryGetLocalUfrag(input, out _);
            var verdict = agent.Process(input, from, now += 1000, response, out var answer);

            // What the client signed ends with its integrity, 8 bytes before the end; the length alone may differ, for what follows.
            var signed = original.AsSpan(4, original.Length - 12);
            Assert.True(verdict != StunVerdict.Accepted || input[4..].StartsWith(signed));
            Assert.True(verdict is StunVerdict.Accepted or StunVerdict.Refused || answer <= input.Length);
            client.Process(input, now);
            while (agent.TryTakeEvent(out _))
            {
            }
        });
    }

    [Fact]
    public void DtlsRecords_Mutations_StayWithinTheDatagram()
    {
        using var pair = new DtlsPair();
        var hello = DtlsPair.Take(pair.Client);
        pair.Server.Receive(hello[0], DtlsPair.Now);
        byte[][] seeds = [.. hello, .. DtlsPair.Take(pair.Server)];
        Fuzz.Run(seeds, static input =>
        {
            ReadOnlySpan<byte> rest = input;
            var total = 0;
            while (DtlsRecords.TryTake(ref rest, out var record))
            {
                total += record.Bytes.Length;
                DtlsRecords.AreFragmentsSound(record.Body);
                DtlsRecords.TryGetClientRandom(record.Body, out _);
            }

            Assert.Equal(input.Length, total + rest.Length);
            Assert.True(DtlsRecords.FitDatagram(input, 1200) <= total);
        });
    }

    [Fact]
    public void DtlsServer_Mutations_EndNothing()
    {
        using var pair = new DtlsPair();
        var hello = DtlsPair.Take(pair.Client);
        using var other = pair.NewServer(null);
        other.Receive(hello[0], DtlsPair.Now);
        byte[][] seeds = [.. hello, .. DtlsPair.Take(other)];
        var count = 0;
        Fuzz.Run(seeds, input =>
        {
            // A handshake attempt costs a key exchange, so only some of the mutations go as far as OpenSSL.
            if (count++ % 10 == 0)
            {
                pair.Server.Receive(input, DtlsPair.Now);
                DtlsPair.Take(pair.Server);
                Assert.Equal(DtlsState.Connecting, pair.Server.State);
            }
        });
        pair.Client.Dispose();
        pair.Client = pair.NewClient(pair.ServerCertificate.Fingerprints[^1]);
        pair.RunUntil(() => pair.Client.State == DtlsState.Connected && pair.Server.State == DtlsState.Connected);
    }

    [Theory]
    [InlineData(SrtpProfile.Aes128CmSha1_80)]
    [InlineData(SrtpProfile.AeadAes128Gcm)]
    [InlineData(SrtpProfile.AeadAes256Gcm)]
    public void Srtp_Mutations_AreNeverAccepted(SrtpProfile profile)
    {
        var key = new byte[profile.KeyLength()];
        var salt = new byte[profile.SaltLength()];
        using var sender = new SrtpSender(profile, key, salt);
        using var receiver = new SrtpReceiver(profile, key, salt);
        var rtp = new byte[200];
        rtp[0] = 0x90;
        rtp[15] = 2;
        rtp = rtp[..sender.ProtectRtp(rtp, 160)];
        var rtcp = new byte[100];
        rtcp[0] = 0x80;
        rtcp[1] = 200;
        rtcp = rtcp[..sender.ProtectRtcp(rtcp, 60)];

        // Both are received once, so that the originals too are replays now.
        Assert.Equal(DropReason.None, receiver.UnprotectRtp(rtp.ToArray(), out _));
        Assert.Equal(DropReason.None, receiver.UnprotectRtcp(rtcp.ToArray(), out _));
        Fuzz.Run([rtp, rtcp], input =>
        {
            Assert.NotEqual(DropReason.None, receiver.UnprotectRtp(input, out var length));
            Assert.Equal(0, length);
            Assert.NotEqual(DropReason.None, receiver.UnprotectRtcp(input, out length));
            Assert.Equal(0, length);
        });
        Assert.Equal(1, receiver.StreamCount);
    }
}
