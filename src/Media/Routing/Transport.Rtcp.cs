using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing;

/// <summary>Reports and feedback, in and out.</summary>
public abstract partial class Transport
{
    /// <summary>µs between compound reports: at least one a second, spread so that transports do not keep step (RFC 3550 §6.2).</summary>
    private const int MinReportInterval = 700_000;
    private const int MaxReportInterval = 1_000_000;

    /// <summary>
    /// Reports leave at whole multiples of this, in µs, so that those of a thousand transports do not wake the thread a thousand times a
    /// second: some of them leave together, and nobody notices that one is some milliseconds later.
    /// </summary>
    private const long ReportGrid = 8_192;

    /// <summary>µs between looks for packets to ask for again.</summary>
    private const long NackInterval = 10_000;

    private protected readonly Ssrc _rtcpSsrc;
    private readonly RembGenerator _remb;
    private TransportFeedbackGenerator? _feedback;
    private byte _transportSequenceId;
    private long _reportAt;
    private long _feedbackAt;
    private int _worstLoss;

    /// <summary>A decrypted, possibly compound RTCP packet.</summary>
    public void ReceiveRtcp(ReadOnlySpan<byte> packet, long now)
    {
        if (IsClosed)
        {
            return;
        }

        Stats.RtcpPacketsReceived++;
        var reader = new RtcpReader(packet);
        while (!IsClosed && reader.MoveNext())
        {
            Handle(reader.Current, now);
        }

        if (reader.IsMalformed)
        {
            Stats.CountDrop(DropReason.RtcpMalformed);
        }
    }

    /// <summary>Runs what is due and returns when to call again, in microseconds of `now`.</summary>
    public long Advance(long now)
    {
        if (IsClosed)
        {
            return Deadline = long.MaxValue;
        }

        if (_reportAt == 0)
        {
            // RFC 3550 §6.2: the first report waits half the interval.
            _reportAt = now + (MinReportInterval / 2);
        }

        if (now >= _reportAt)
        {
            _reportAt = (now + Router.NextJitter(MinReportInterval, MaxReportInterval - (int)ReportGrid) + ReportGrid - 1) & -ReportGrid;
            SendReports(now);
            Allocate(now);
            foreach (var consumer in _consumers)
            {
                consumer.ChooseTarget(now);
            }
        }

        var deadline = _reportAt;
        foreach (var producer in _producers)
        {
            deadline = Math.Min(deadline, SendNacks(producer, now));
            deadline = Math.Min(deadline, TrySendKeyFrameRequests(producer, now));
        }

        if (_feedback is { IsDue: true })
        {
            if (now >= _feedbackAt)
            {
                _feedbackAt = now + TransportFeedbackGenerator.Interval;
                SendTransportFeedback(now);
            }

            deadline = Math.Min(deadline, _feedbackAt);
        }

        return Deadline = Math.Min(deadline, AdvanceBandwidth(now));
    }

    internal void SendKeyFrameRequests(Producer producer, long now)
        => Deadline = Math.Min(Deadline, TrySendKeyFrameRequests(producer, now));

    // Returns when to try again; never while not connected or without a stream, since both events try by themselves.
    private long TrySendKeyFrameRequests(Producer producer, long now)
    {
        if (producer.Consumers.IsEmpty)
        {
            producer.KeyFrames.Clear();
            return long.MaxValue;
        }

        if (now < producer.KeyFrames.Deadline)
        {
            return producer.KeyFrames.Deadline;
        }

        var buffer = RentPacket();
        if (buffer.IsEmpty)
        {
            return long.MaxValue;
        }

        var available = 0u;
        foreach (var stream in producer.Streams)
        {
            available |= stream is null || (!stream.IsOpen && producer.Streams.Length > 1) ? 0 : 1u << stream.EncodingIndex;
        }

        var wanted = producer.KeyFrames.Take(available, now);
        var writer = new RtcpWriter(buffer);
        foreach (var stream in producer.Streams)
        {
            if (stream is not null && (wanted & (1u << stream.EncodingIndex)) != 0)
            {
                writer.TryAddPictureLoss(_rtcpSsrc, stream.Ssrc);
                Stats.KeyFrameRequestsSent++;
            }
        }

        SendRtcp(writer, now);
        return wanted == 0 ? long.MaxValue : producer.KeyFrames.Deadline;
    }

    private void SendRtcp(in RtcpWriter writer, long now)
    {
        if (writer.Length > 0)
        {
            Stats.RtcpPacketsSent++;
            CommitRtcp(writer.Length, now);
        }
    }

    private void NoteArrival(in RtpPacket packet, long now)
    {
        if (_transportSequenceId != 0 && packet.TryGetExtension(_transportSequenceId, out var value) && value.Length == 2)
        {
            _feedback ??= new TransportFeedbackGenerator();
            _feedback.OnPacket((ushort)((value[0] << 8) | value[1]), packet.Ssrc, now);
            Deadline = Math.Min(Deadline, _feedbackAt);
        }
        else if (_transportSequenceId == 0)
        {
            _remb.OnPacket(packet.Bytes.Length, now);
        }
    }

    private void LearnFeedback(RtpParameters parameters)
    {
        // Both the extension and the feedback type must be agreed (draft-holmer-rmcat-transport-wide-cc-extensions-01 §4).
        var extension = Array.Find(parameters.HeaderExtensions, e => e.Uri == HeaderExtensionUris.TransportWideCc);
        if (extension is not null && Array.Exists(parameters.Codecs, c => Array.Exists(c.RtcpFeedback, f => f.Type == "transport-cc")))
        {
            _transportSequenceId = (byte)extension.Id;
        }
    }

    private void Handle(in RtcpPacket packet, long now)
    {
        switch (packet.Type)
        {
            case RtcpType.SenderReport:
                if (!SenderReport.TryRead(packet, out var report))
                {
                    Stats.CountDrop(DropReason.RtcpMalformed);
                    return;
                }

                OnSenderReport(report, now);
                OnReportBlocks(packet.ReportBlocks, now);
                break;
            case RtcpType.ReceiverReport:
                OnReportBlocks(packet.ReportBlocks, now);
                break;
            case RtcpType.TransportFeedback when packet.Count == TransportFeedbackFormat.Nack:
                if (_consumersBySsrc.TryGetValue(packet.MediaSource, out var nacked))
                {
                    nacked.OnNack(new NackReader(packet.FeedbackControl), now);
                }

                break;
            case RtcpType.TransportFeedback when packet.Count == TransportFeedbackFormat.TransportCc:
                OnTransportFeedback(packet, now);
                break;
            case RtcpType.PayloadFeedback when packet.Count == PayloadFeedbackFormat.PictureLoss:
                OnKeyFrameRequested(packet.MediaSource, now);
                break;
            case RtcpType.PayloadFeedback when packet.Count == PayloadFeedbackFormat.FullIntra:
                // RFC 5104 §4.3.1.1: entries of eight bytes; the media source field is not used.
                for (var control = packet.FeedbackControl; control.Length >= 8; control = control[8..])
                {
                    OnKeyFrameRequested(new Ssrc(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(control)), now);
                }

                break;
            case RtcpType.PayloadFeedback when packet.Count == PayloadFeedbackFormat.Application:
                if (Remb.TryRead(packet.FeedbackControl, out var remb))
                {
                    Stats.RemoteBitrateEstimate = remb.Bitrate;
                    OnRemb(now);
                }

                break;

            // SDES, BYE, APP, XR and what is unknown change nothing here: signalling opens and closes streams.
            default:
                break;
        }
    }

    private void OnSenderReport(in SenderReport report, long now)
    {
        if (_streams.TryFind(report.Ssrc, out var binding))
        {
            if (binding.IsRtx)
            {
                binding.Stream.RtxStatistics?.OnSenderReport(report.Ntp, now);
                return;
            }

            binding.Stream.OnSenderReport(report, now);
            SenderClock.OnReport(binding.Stream.ReportTime, now + Router.Options.UnixTimeOffset);
        }
    }

    private void OnReportBlocks(ReportBlockReader blocks, long now)
    {
        var worst = -1;
        while (blocks.MoveNext())
        {
            if (_consumersBySsrc.TryGetValue(blocks.Current.Ssrc, out var consumer))
            {
                consumer.Sender.OnReportBlock(blocks.Current, Router.Options.UnixTimeOffset, now);
                worst = Math.Max(worst, consumer.Sender.FractionLost);
                Stats.RoundTrip = consumer.Sender.RoundTrip;
            }
        }

        Stats.FractionLost = worst < 0 ? Stats.FractionLost : worst;
    }

    private void OnKeyFrameRequested(Ssrc ssrc, long now)
    {
        if (_consumersBySsrc.TryGetValue(ssrc, out var consumer))
        {
            consumer.OnKeyFrameRequested(now);
        }
    }

    private long SendNacks(Producer producer, long now)
    {
        var waiting = false;
        foreach (var stream in producer.Streams)
        {
            if (stream?.Nack is not { Count: > 0 } nack)
            {
                continue;
            }

            waiting = true;
            var buffer = RentPacket();
            if (buffer.IsEmpty)
            {
                continue;
            }

            var writer = new RtcpWriter(buffer);
            var count = nack.Collect(now, Stats.RoundTrip, Router.Scratch.Nacks);
            Stats.NacksSent += writer.AddNack(_rtcpSsrc, stream.Ssrc, Router.Scratch.Nacks.AsSpan(0, count));
            SendRtcp(writer, now);
        }

        return waiting ? now + NackInterval : long.MaxValue;
    }

    private void SendTransportFeedback(long now)
    {
        while (_feedback!.IsDue)
        {
            var buffer = RentPacket();
            if (buffer.IsEmpty)
            {
                return;
            }

            var writer = new RtcpWriter(buffer);
            if (!_feedback.TryWrite(ref writer, _rtcpSsrc))
            {
                return;
            }

            SendRtcp(writer, now);
        }
    }

    private void SendReports(long now)
    {
        foreach (var consumer in _consumers)
        {
            if (consumer.Sender.HasSent && !consumer.IsPaused)
            {
                var buffer = RentPacket();
                if (buffer.IsEmpty)
                {
                    return;
                }

                // RFC 3550 §6.1: a compound begins with a report and has the CNAME.
                var writer = new RtcpWriter(buffer);
                writer.TryAddSenderReport(consumer.Report(now));
                writer.TryAddCname(consumer.Sender.Ssrc, consumer.Sender.Cname);
                SendRtcp(writer, now);
            }
        }

        if (_producers.Count > 0)
        {
            SendReceiverReports(now);
        }
    }

    private void SendReceiverReports(long now)
    {
        _worstLoss = 0;
        var count = 0;
        var sent = false;
        foreach (var producer in _producers)
        {
            foreach (var stream in producer.Streams)
            {
                AddBlock(stream?.Statistics, stream?.Ssrc, ref count, ref sent, now);
                AddBlock(stream?.RtxStatistics, stream?.RtxSsrc, ref count, ref sent, now);
            }
        }

        if (count > 0 || !sent)
        {
            SendBlocks(count, now);
        }
    }

    private void AddBlock(ReceptionStatistics? statistics, Ssrc? ssrc, ref int count, ref bool sent, long now)
    {
        if (statistics is not { HasPackets: true } || ssrc is null)
        {
            return;
        }

        Router.Scratch.Blocks[count++] = statistics.Report(ssrc.Value, now);
        _worstLoss = Math.Max(_worstLoss, statistics.FractionLost);
        if (count == Router.Scratch.Blocks.Length)
        {
            SendBlocks(count, now);
            sent = true;
            count = 0;
        }
    }

    /// <summary>An empty report: a sign of life that the remote can authenticate.</summary>
    private protected void SendEmptyReport(long now) => SendBlocks(0, now);

    private void SendBlocks(int count, long now)
    {
        var buffer = RentPacket();
        if (buffer.IsEmpty)
        {
            return;
        }

        var writer = new RtcpWriter(buffer);
        writer.TryAddReceiverReport(_rtcpSsrc, Router.Scratch.Blocks.AsSpan(0, count));
        writer.TryAddCname(_rtcpSsrc, "voicecluster"u8);
        AddRemb(ref writer, now);
        SendRtcp(writer, now);
    }

    private void AddRemb(ref RtcpWriter writer, long now)
    {
        // A sender with transport-wide feedback estimates by itself; for it a REMB is a bound alone, said again for ever, as the one that lifts it may be lost.
        var limit = SendLimit();
        _isToldLimit |= limit != long.MaxValue;
        if (_transportSequenceId != 0 && !_isToldLimit)
        {
            return;
        }

        var count = 0;
        foreach (var producer in _producers)
        {
            if (!producer.UsesRemb && (!_isToldLimit || producer.Kind != MediaKind.Video))
            {
                continue;
            }

            foreach (var stream in producer.Streams)
            {
                if (stream is not null && count < Router.Scratch.RembSsrcs.Length)
                {
                    Router.Scratch.RembSsrcs[count++] = stream.Ssrc;
                }
            }
        }

        if (count > 0)
        {
            var estimate = _transportSequenceId != 0 ? Router.Options.MaxIncomingBitrate : _remb.Update(_worstLoss, now);
            writer.TryAddRemb(_rtcpSsrc, Math.Min(estimate, limit), Router.Scratch.RembSsrcs.AsSpan(0, count));
        }
    }
}
