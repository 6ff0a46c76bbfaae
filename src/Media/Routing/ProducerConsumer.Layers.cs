using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>Which layers it forwards: as the receiver prefers, as they flow, and as its network carries.</summary>
public sealed partial class ProducerConsumer
{
    /// <summary>mediasoup's range of priorities.</summary>
    private const int MaxPriority = 255;

    /// <summary>µs after a step down before the next step up.</summary>
    private const long StepHold = 1_000_000;

    /// <summary>Bits a second of padding below which packets of padding alone are small enough.</summary>
    private const double SmallPadding = 600_000;

    /// <summary>Packets from which those for padding are taken in turn, the last ones sent.</summary>
    private const int PaddingSources = 16;

    private int _preferredSpatial = int.MaxValue;
    private int _preferredTemporal = int.MaxValue;
    private int _currentTemporal = int.MaxValue;
    private uint _frameTimestamp;

    // The spatial layer of one stream up to which the present picture is sent, and up to which it may be.
    private int _spatial;
    private int _spatialTarget;
    private LayerLadder? _ladder;
    private int _allocatedSpatial = int.MaxValue;
    private int _allocatedTemporal = int.MaxValue;
    private int _padding;

    // Even as thin as it goes the present stream is more than the way carries: it would only fill the queue before the key frame.
    private bool _isTooMuch;

    /// <summary>1 to 255: who comes first when not everything fits (mediasoup's consumer.setPriority).</summary>
    public int Priority { get; private set; } = 1;

    /// <summary>True while the network does not carry even the lowest layer; it goes on by itself.</summary>
    public bool IsStarved { get; private set; }

    /// <summary>The levels that there are; after <see cref="MeasureLadder"/>.</summary>
    internal LayerLadder Ladder => _ladder!;

    /// <summary>Whether it is paused when nothing fits: one stream is not, as in mediasoup's simple consumers.</summary>
    internal bool MayStarve => Producer.Streams.Length > 1 || Producer.Streams[0]?.Spatial is not null;

    // Of a simulcast producer the layers are its streams; a pipe carries all.
    private int SpatialLimit => Producer.Streams.Length > 1 || _encoding != AnyEncoding ? int.MaxValue : Math.Min(_preferredSpatial, _allocatedSpatial);

    // The network does not carry the present stream, and it waits for the key frame of a lower one.
    private bool IsStepDown => _target is not null && _current is not null && _target.EncodingIndex < _current.EncodingIndex && _allocatedSpatial < _current.EncodingIndex;

    // Meanwhile the present one is sent as thin as it goes.
    private int TemporalLimit => IsStepDown ? 0 : Math.Min(_preferredTemporal, _allocatedTemporal);

    /// <summary>Sets <see cref="Priority"/>; what is out of range is taken as the nearest.</summary>
    public void SetPriority(int priority, long now)
    {
        Priority = Math.Clamp(priority, 1, MaxPriority);
        Transport.Allocate(now);
    }

    /// <summary>The highest layers wanted; the best that flows below them is forwarded. Null: no temporal limit.</summary>
    public override void SetPreferredLayers(int spatialLayer, int? temporalLayer, long now)
    {
        _preferredSpatial = Math.Max(0, spatialLayer);
        _preferredTemporal = Math.Max(0, temporalLayer ?? int.MaxValue);
        Transport.Allocate(now);
        ChooseTarget(now);
    }

    /// <summary>Chooses the stream to forward by preference and by what flows; asks for its key frame when it is not the present one.</summary>
    internal override void ChooseTarget(long now)
    {
        RtpStreamReceiver? best = null;
        var limit = Math.Min(_preferredSpatial, _allocatedSpatial);
        foreach (var stream in Producer.Streams)
        {
            if (stream is null || (_encoding != AnyEncoding && stream.EncodingIndex != _encoding)
                || (stream.Statistics.HasPackets && now - stream.LastPacketAt > StreamTimeout && _encoding == AnyEncoding)
                || (!stream.IsOpen && Producer.Streams.Length > 1))
            {
                continue;
            }

            // Streams are ordered by quality: the highest within the limit, else the lowest above it.
            if (best is null || stream.EncodingIndex <= limit)
            {
                best = stream;
            }
        }

        if (best is null || best == _target)
        {
            if (best is not null && best == _current && best.Spatial?.Highest(now) > _spatial && SpatialLimit > _spatial)
            {
                // A higher spatial layer of the stream begins at a key frame too.
                RequestKeyFrame(now);
            }

            return;
        }

        _target = best;
        if (best != _current)
        {
            RequestKeyFrame(now);
        }
    }

    /// <summary>Measures the levels that it could have; false when there is none to measure.</summary>
    internal bool MeasureLadder(long now)
    {
        _ladder ??= new LayerLadder();
        _ladder.Clear();
        if (Producer.IsPaused || _encoding != AnyEncoding)
        {
            return false;
        }

        foreach (var stream in Producer.Streams)
        {
            // A stream that has just begun is measured first. The lowest there is serves also above what is preferred.
            if (stream?.Rates is not null && stream.Rates.IsKnown(now) && (stream.EncodingIndex <= _preferredSpatial || _ladder.Count == 0))
            {
                _ladder.Add(stream, _preferredTemporal, now);
                for (var layer = 1; Producer.Streams.Length == 1 && layer <= Math.Min(_preferredSpatial, stream.Spatial?.Highest(now) ?? 0); layer++)
                {
                    if (stream.Spatial!.RatesOf(layer) is { } rates)
                    {
                        _ladder.AddSpatial(layer, rates, _preferredTemporal, now);
                    }
                }
            }
        }

        if (!IsStarved)
        {
            _ladder.Place(_allocatedSpatial, _allocatedTemporal);
        }

        return _ladder.Count > 0;
    }

    /// <summary>Takes the level that was found for it.</summary>
    /// <param name="left">Bits a second that nobody has got.</param>
    /// <param name="now">µs.</param>
    internal void TakeLevel(double left, long now)
    {
        var level = Ladder.Next;
        if (level < Ladder.Present)
        {
            Ladder.HeldUntil = now + StepHold;
        }

        if (level > 0)
        {
            Ladder.OnRoom();
        }

        if (level < 0)
        {
            if (!IsStarved)
            {
                Ladder.OnPaused(now);
            }

            IsStarved = true;
            _resync = true;
            return;
        }

        _allocatedSpatial = Ladder.SpatialAt(level);
        _allocatedTemporal = Ladder.TemporalAt(level);
        var wasStarved = IsStarved;
        IsStarved = false;
        ChooseTarget(now);
        _isTooMuch = IsStepDown && _current!.Rates is { } rates && rates.Of(0, now) > Ladder.RateAt(level) + Math.Max(0, left);
        if (wasStarved)
        {
            Restart(now);
        }
    }

    /// <summary>
    /// Sends a packet that the receiver does not need: one that it has had, by RTX, or one without payload on the RTX stream
    /// where less will do or nothing is left. False when it cannot.
    /// </summary>
    internal bool TryPad(double bitrate, long now)
    {
        if (Kind != MediaKind.Video || Writer.RtxSsrc is null || !Writer.UsesTransportSequence || IsPaused)
        {
            return false;
        }

        var buffer = Transport.RentPacket();
        if (buffer.IsEmpty)
        {
            return false;
        }

        int length;
        var output = _munger.HighestOutput - (_padding++ % PaddingSources);
        if (bitrate > SmallPadding && _sent is not null && _sent.Has(output) && now - _sent.Slot(output).SentAt < MaxResendAge
            && _sent.Slot(output).Stream.History!.TryGet(_sent.Slot(output).Source, out var packet) && Writer.HasRtx(packet.PayloadType))
        {
            var again = _sent.Slot(output);
            again.SentAt = now;
            again.TransportSequence = Transport.NextTransportSequence();
            if (!Writer.TryWriteRtx(buffer, packet, again, _rtxSequence, out length))
            {
                return false;
            }
        }
        else if (!Writer.TryWritePadding(
            buffer, new SentPacket { SentAt = now, Timestamp = Sender.LastTimestamp, TransportSequence = Transport.NextTransportSequence() }, _rtxSequence, out length))
        {
            return false;
        }

        _rtxSequence++;
        Transport.SendRtp(length, now);
        return true;
    }

    private void BeginPicture(uint timestamp)
    {
        _frameTimestamp = timestamp;
        _spatialTarget = SpatialLimit;
        _spatial = Math.Min(_spatial, _spatialTarget);
    }

    private bool EndsPicture(in SourcePacket packet)
        => packet.Frame.IsLayerEnd && packet.Frame.SpatialLayer == _spatial;

    // Of the temporal layers, and of the spatial ones of one stream. A receiver goes down with any picture, since it has all below;
    // up in space with a key picture alone, and in time where the sender says so.
    private bool TryKeepLayer(in SourcePacket packet)
    {
        // A frame that has begun goes on to its end.
        if ((int)(packet.Timestamp - _frameTimestamp) > 0)
        {
            BeginPicture(packet.Timestamp);
            _currentTemporal = Math.Min(_currentTemporal, TemporalLimit);
        }

        if (packet.Frame.IsIndependent && packet.Frame.SpatialLayer == 0 && packet.Timestamp == _frameTimestamp)
        {
            // A key picture, also where its first packet is late. What ends it must be known before its higher layers come.
            _spatial = _spatialTarget;
        }

        if (packet.Frame.SpatialLayer > _spatial)
        {
            return !TryLeaveOut(packet);
        }

        if (packet.Frame.IsKeyFrame)
        {
            // What follows a key frame refers to nothing before it: every layer may begin.
            _currentTemporal = TemporalLimit;
        }

        var layer = packet.Frame.TemporalLayer;
        if (layer <= _currentTemporal)
        {
            return true;
        }

        if (layer <= TemporalLimit && packet.Frame.CanSwitchUp)
        {
            _currentTemporal = layer;
            return true;
        }

        return !TryLeaveOut(packet);
    }

    // False for what is late: its number is there already.
    private bool TryLeaveOut(in SourcePacket packet)
    {
        if (!_munger.TryDrop(packet.Sequence))
        {
            return false;
        }

        _pictures?.Drop(packet);
        return true;
    }
}
