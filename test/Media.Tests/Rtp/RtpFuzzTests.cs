using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Rtp;

/// <summary>Random mutations of good input; FUZZ_ITERATIONS says how many (default 5,000 each). Nothing may throw.</summary>
public class RtpFuzzTests
{
    private static readonly int Iterations = int.TryParse(Environment.GetEnvironmentVariable("FUZZ_ITERATIONS"), out var n) ? n : 5_000;

    [Fact]
    public void Rtp_MutatedPackets_ThroughARouter_NeverThrow()
    {
        var room = new TestRoom();
        room.Sender.Produce("a", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        room.Sender.Produce("v", MediaKind.Video, MediaFixtures.Video(10), false, 0);
        room.Receiver.Consume("ca", "a", Router.RtpCapabilities, false, 0);
        room.Receiver.Consume("cv", "v", Router.RtpCapabilities, false, 0);
        room.Receiver.RtpSent = (p, _) => Assert.False(p.IsEmpty);
        room.Receiver.RtcpSent = null;
        room.Sender.RtcpSent = null;
        byte[][] seeds =
        [
            MediaFixtures.Opus(1, 1, 960),
            MediaFixtures.Vp8(10, 1, 0, key: true),
            MediaFixtures.Packet(97, 11, 1, 0, [0, 9, .. MediaFixtures.Vp8Payload(true, true, 1, 1)]),
            Convert.FromHexString("B1E0123400000009000000070000000110050001" + "01000201AA" + "010203000003"),
        ];
        Mutate(seeds, 1, (bytes, i) => room.Sender.ReceiveRtp(bytes, i * 1000L));
        Assert.True(room.Receiver.Stats.RtpPacketsSent > 0);
        Assert.True(room.Sender.Stats.Dropped(DropReason.RtpMalformed) > 0);
    }

    [Fact]
    public void Rtcp_MutatedCompounds_ThroughARouter_NeverThrow()
    {
        var room = new TestRoom();
        room.Sender.Produce("v", MediaKind.Video, MediaFixtures.Video(10), false, 0);
        var consumer = room.Receiver.Consume("cv", "v", Router.RtpCapabilities, false, 0).Value!;
        var ssrc = new Ssrc(consumer.RtpParameters.Encodings[0].Ssrc!.Value);
        room.Receive(MediaFixtures.Vp8(10, 1, 0, key: true));
        room.Receiver.RtpSent = null;
        room.Receiver.RtcpSent = null;
        room.Sender.RtcpSent = null;
        var buffer = new byte[1200];
        var writer = new RtcpWriter(buffer);
        writer.TryAddSenderReport(new SenderReport(new Ssrc(10), new NtpTime(1UL << 40), 1, 2, 3));
        writer.TryAddReceiverReport(new Ssrc(7), [new ReportBlock(ssrc, 1, 2, 3, 4, 5, 6)]);
        writer.TryAddCname(new Ssrc(10), "x"u8);
        writer.AddNack(new Ssrc(7), ssrc, [1, 2, 3, 100]);
        writer.TryAddPictureLoss(new Ssrc(7), ssrc);
        writer.TryAddFullIntra(new Ssrc(7), ssrc, 1);
        writer.TryAddRemb(new Ssrc(7), 1_000_000, [ssrc]);
        writer.TryAddGoodbye(new Ssrc(10));
        Mutate([buffer[..writer.Length]], 2, (bytes, i) =>
        {
            room.Receiver.ReceiveRtcp(bytes, i * 1000L);
            room.Sender.ReceiveRtcp(bytes, i * 1000L);
            if (i % 50 == 0)
            {
                room.Receiver.Advance(i * 1000L);
                room.Sender.Advance(i * 1000L);
            }
        });
        Assert.True(room.Receiver.Stats.Dropped(DropReason.RtcpMalformed) > 0);
    }

    [Fact]
    public void Extensions_MutatedElements_StayWithinTheirBounds()
    {
        byte[][] seeds =
        [
            Convert.FromHexString("906000010000000000000001BEDE0003" + "10AA21BBBB000033CCCCCCCC"),
            Convert.FromHexString("90600001000000000000000110000003" + "01000201AA000303010203" + "00"),
        ];
        Mutate(seeds, 3, (bytes, _) =>
        {
            if (RtpPacket.TryParse(bytes, out var packet))
            {
                var sum = 0;
                var reader = packet.Extensions;
                while (reader.MoveNext())
                {
                    sum += reader.Value.Length + 1;
                    Assert.NotEqual(0, reader.Id);
                }

                Assert.True(sum <= bytes.Length);
            }
        });
    }

    [Fact]
    public void Descriptors_MutatedPayloads_NeverThrow()
    {
        byte[][] seeds =
        [
            MediaFixtures.Vp8Payload(true, true, 5, 6, 1, 12),
            Convert.FromHexString("AC81235240"),
            Convert.FromHexString("A881231507AA"),
            Convert.FromHexString("7800046742E01F000268CE"),
            Convert.FromHexString("7C8500AABB"),
        ];
        Mutate(seeds, 4, (bytes, _) =>
        {
            foreach (var format in Enum.GetValues<PayloadFormat>())
            {
                Assert.InRange(VideoFrame.Read(format, bytes).SpatialLayer, 0, VideoFrame.MaxSpatialLayers - 1);
            }

            foreach (var format in Enum.GetValues<PayloadFormat>())
            {
                if (PictureIndex.TryRead(format, bytes, out var index))
                {
                    index.Shift(bytes, -3, 3);
                }
            }
        });
    }

    [Fact]
    public void Parameters_MutatedJson_NeverThrows()
    {
        byte[][] seeds =
        [
            System.Text.Encoding.UTF8.GetBytes(MediaFixtures.Video(1).ToJson()),
            System.Text.Encoding.UTF8.GetBytes(Router.RtpCapabilities.ToJson()[..600] + "}]}"),
        ];
        Mutate(seeds, 5, (bytes, _) =>
        {
            var json = System.Text.Encoding.UTF8.GetString(bytes);
            if (RtpParameters.TryParse(json, out var parameters, out var error))
            {
                new TestRoom().Sender.Produce("p", MediaKind.Video, parameters, false, 0);
            }
            else
            {
                Assert.NotEmpty(error);
            }

            RtpCapabilities.TryParse(json, out RtpCapabilities? _, out string? _);
        }, Math.Min(Iterations, 20_000));
    }

    private static void Mutate(byte[][] seeds, int seed, Action<byte[], int> test, int? iterations = null)
    {
        var random = new Random(seed);
        for (var i = 1; i <= (iterations ?? Iterations); i++)
        {
            var source = seeds[random.Next(seeds.Length)];
            var length = random.Next(4) == 0 ? random.Next(source.Length + 1) : source.Length + (random.Next(8) == 0 ? random.Next(9) : 0);
            var bytes = new byte[length];
            source.AsSpan(0, Math.Min(length, source.Length)).CopyTo(bytes);
            for (var m = random.Next(6); m > 0 && length > 0; m--)
            {
                var at = random.Next(length);
                bytes[at] = random.Next(3) switch
                {
                    0 => (byte)random.Next(256),
                    1 => (byte)(bytes[at] ^ (1 << random.Next(8))),
                    _ => (byte)(random.Next(2) * 255),
                };
            }

            test(bytes, i);
        }
    }
}
