using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

public class ReportTests
{
    private const long UnixOffset = 1_700_000_000_000_000;

    private readonly TestRoom _room = new();

    [Fact]
    public void ReceiverReport_TwoOfTenLost_SaysSo()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        for (ushort i = 0; i < 10; i++)
        {
            if (i is not (3 or 4))
            {
                _room.Now = i * 20_000;
                _room.Receive(MediaFixtures.Opus(1, (ushort)(65530 + i), i * 960u));
            }
        }

        _room.ToSender.Clear();
        _room.RunTo(1_300_000);
        var block = FirstBlock(_room.ToSender);
        Assert.Equal(new Ssrc(1), block.Ssrc);
        Assert.Equal(2, block.CumulativeLost);

        // RFC 3550 §A.3: 2 / 10 of 256. The cycle count is 1 after the wrap.
        Assert.Equal(2 * 256 / 10, block.FractionLost);
        Assert.Equal(0x1_0000u + 3, block.HighestSequence);
        Assert.Equal(0u, block.LastSenderReport);
    }

    [Fact]
    public void Jitter_PacketsAlternately10MsLate_ApproachesTheMeanDifference()
    {
        var statistics = new ReceptionStatistics(48_000);
        for (var i = 0; i < 500; i++)
        {
            var now = (i * 20_000L) + (i % 2 * 10_000);
            Assert.True(statistics.TryAccept(new SequenceNumber((ushort)i), out _, out _));
            statistics.CountReceived((uint)(i * 960), now);
        }

        // RFC 3550 §A.8: |D| is 10 ms each time, that is 480 units.
        Assert.InRange(statistics.Report(new Ssrc(1), 0).Jitter, 475u, 480u);
    }

    [Fact]
    public void ReceiverReport_AfterASenderReport_HasLsrAndDlsr()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        _room.Receive(MediaFixtures.Opus(1, 1, 0));
        _room.RunTo(100_000);
        var ntp = NtpTime.FromUnixMicroseconds(1_000_000_000);
        _room.Sender.ReceiveRtcp(SenderReportOf(1, ntp, 0), _room.Now);
        _room.ToSender.Clear();
        var before = _room.Now;
        while (_room.ToSender.Count == 0)
        {
            _room.RunTo(_room.Now + 1000);
        }

        var block = FirstBlock(_room.ToSender);
        Assert.Equal(ntp.Middle, block.LastSenderReport);
        Assert.InRange(block.DelaySinceLastSenderReport, (_room.Now - 1000 - before) * 65536 / 1_000_000 - 70, (_room.Now - before) * 65536 / 1_000_000);
    }

    [Fact]
    public void SenderReports_OfSoundAndPicture_KeepTheSendersLipSync()
    {
        _room.Sender.Produce("a", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        _room.Sender.Produce("v", MediaKind.Video, MediaFixtures.Video(10), false, 0);
        var audio = Consume("a", "ca");
        var video = Consume("v", "cv");

        // The sender's clock stood at 500 s when its sound was at 48,000 and its picture at 900,000.
        var ntp = NtpTime.FromUnixMicroseconds(500_000_000);
        _room.Receive(MediaFixtures.Opus(1, 1, 48_000));
        _room.Receive(MediaFixtures.Vp8(10, 1, 900_000, key: true));
        _room.Sender.ReceiveRtcp(SenderReportOf(1, ntp, 48_000), _room.Now);

        // The video's report takes 80 ms longer; its delay must not become a shift between sound and picture.
        _room.RunTo(80_000);
        _room.Sender.ReceiveRtcp(SenderReportOf(10, ntp, 900_000), _room.Now);
        _room.RtcpToReceiver.Clear();
        _room.RunTo(1_200_000);

        var a = LastReport(audio);
        var v = LastReport(video);
        var audioInstant = a.Ntp.ToUnixMicroseconds() - ((a.RtpTimestamp - 48_000) * 1_000_000.0 / 48_000);
        var videoInstant = v.Ntp.ToUnixMicroseconds() - ((v.RtpTimestamp - 900_000) * 1_000_000.0 / 90_000);
        Assert.InRange(audioInstant - videoInstant, -1100, 1100);
        Assert.InRange(a.Ntp.ToUnixMicroseconds(), UnixOffset, UnixOffset + 1_200_000);
        Assert.Equal(1u, a.PacketCount);
        Assert.Equal(5u, a.OctetCount);
    }

    [Fact]
    public void RoundTrip_FromAReceiversReport_IsMeasured()
    {
        _room.Sender.Produce("a", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        var consumer = Consume("a", "c");
        _room.Receive(MediaFixtures.Opus(1, 1, 48_000));
        _room.RunTo(1_200_000);
        var report = LastReport(consumer);
        var sentAt = report.Ntp.ToUnixMicroseconds() - UnixOffset;

        // The receiver holds it for 100 ms; 150 ms after sending its answer is here.
        var buffer = new byte[100];
        var writer = new RtcpWriter(buffer);
        writer.TryAddReceiverReport(new Ssrc(77), [new ReportBlock(report.Ssrc, 64, 5, 1, 0, report.Ntp.Middle, 6554)]);
        _room.Receiver.ReceiveRtcp(buffer.AsSpan(0, writer.Length), sentAt + 150_000);
        Assert.InRange(_room.Receiver.Stats.RoundTrip, 49_000, 51_000);
        Assert.Equal(64, _room.Receiver.Stats.FractionLost);
    }

    [Fact]
    public void Reports_OfEachTransport_ComeAtLeastOnceASecond()
    {
        _room.Sender.Produce("a", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        Consume("a", "c");
        _room.Receive(MediaFixtures.Opus(1, 1, 48_000));
        for (var second = 1; second <= 10; second++)
        {
            _room.ToSender.Clear();
            _room.RtcpToReceiver.Clear();
            _room.RunTo(second * 1_020_000L);
            Assert.Contains(_room.ToSender, p => p[1] == (byte)RtcpType.ReceiverReport);
            Assert.Contains(_room.RtcpToReceiver, p => p[1] == (byte)RtcpType.SenderReport);
        }
    }

    [Fact]
    public void Remb_ToASenderWithoutTransportCc_ReactsToLoss()
    {
        _room.Sender.Produce("v", MediaKind.Video, MediaFixtures.Video(10), false, 0);
        _room.Receive(MediaFixtures.Vp8(10, 1, 0, key: true));
        _room.RunTo(2_000_000);
        Assert.Equal(2_500_000, LastRemb(), 10_000d);
        for (ushort i = 2; i < 200; i += 2)
        {
            _room.RunTo(_room.Now + 10_000);
            _room.Receive(MediaFixtures.Vp8(10, i, i * 3000u, key: false));
        }

        Assert.InRange(LastRemb(), 100_000, 1_000_000);
    }

    [Fact]
    public void TransportCc_WhereAgreed_IsFedBackTenTimesASecondInsteadOfRemb()
    {
        var parameters = MediaFixtures.Video(10) with { HeaderExtensions = [new RtpHeaderExtensionParameters { Uri = HeaderExtensionUris.TransportWideCc, Id = 3 }] };
        _room.Sender.Produce("v", MediaKind.Video, parameters, false, 0);
        for (ushort i = 0; i < 100; i++)
        {
            _room.Receive(MediaFixtures.Packet(96, 10, i, i * 900u, MediaFixtures.Vp8Payload(true, i == 0, i, 0), 3, [0, (byte)i]));
            _room.RunTo(_room.Now + 10_000);
        }

        var feedbacks = _room.ToSender.Sum(p => TestRoom.Count(p, RtcpType.TransportFeedback, TransportFeedbackFormat.TransportCc));
        Assert.InRange(feedbacks, 9, 11);
        Assert.Equal(0, LastRemb());
    }

    [Fact]
    public void MalformedRtcp_IsCountedAndTheRestLives()
    {
        _room.Sender.Produce("a", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        _room.Sender.ReceiveRtcp([0x81, 0xC9, 0, 9, 1, 2], 0);
        _room.Sender.ReceiveRtcp([0x80, 0xCF, 0, 1, 1, 2, 3, 4], 0);
        Assert.Equal(1, _room.Sender.Stats.Dropped(DropReason.RtcpMalformed));
        Assert.False(_room.Sender.IsClosed);
    }

    private static byte[] SenderReportOf(uint ssrc, NtpTime ntp, uint timestamp)
    {
        var buffer = new byte[28];
        new RtcpWriter(buffer).TryAddSenderReport(new SenderReport(new Ssrc(ssrc), ntp, timestamp, 1, 1));
        return buffer;
    }

    private static ReportBlock FirstBlock(List<byte[]> packets)
    {
        foreach (var packet in packets)
        {
            var reader = new RtcpReader(packet);
            while (reader.MoveNext())
            {
                var blocks = reader.Current.ReportBlocks;
                if (blocks.MoveNext())
                {
                    return blocks.Current;
                }
            }
        }

        throw new InvalidOperationException("There is no report block.");
    }

    private SenderReport LastReport(Consumer consumer)
    {
        SenderReport? last = null;
        foreach (var packet in _room.RtcpToReceiver)
        {
            var reader = new RtcpReader(packet);
            while (reader.MoveNext())
            {
                if (SenderReport.TryRead(reader.Current, out var report) && report.Ssrc.Value == consumer.RtpParameters.Encodings[0].Ssrc)
                {
                    last = report;
                }
            }
        }

        return last!.Value;
    }

    private double LastRemb()
    {
        var last = 0L;
        foreach (var packet in _room.ToSender)
        {
            var reader = new RtcpReader(packet);
            while (reader.MoveNext())
            {
                if (reader.Current is { Type: RtcpType.PayloadFeedback, Count: PayloadFeedbackFormat.Application } && Remb.TryRead(reader.Current.FeedbackControl, out var remb))
                {
                    last = remb.Bitrate;
                }
            }
        }

        return last;
    }

    private ProducerConsumer Consume(string producer, string id) => _room.Receiver.Consume(id, producer, Router.RtpCapabilities, false, _room.Now).Value!;
}
