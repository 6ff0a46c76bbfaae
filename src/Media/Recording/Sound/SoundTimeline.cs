using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Recording.Sound;

/// <summary>
/// One participant's sound as packets that follow each other without a gap, from a beginning to now. What a sender leaves
/// out (mute, DTX, absence) becomes silence, a short loss is left to the player's concealment. A packet's place is its RTP
/// time stamp's; the sender's reports, or at first its arrival, tie that clock to ours.
/// </summary>
internal sealed class SoundTimeline : IPacketSink
{
    /// <summary>Packets that wait for a missing one at most, and how long, µs: reordering is shorter, and nobody resends sound.</summary>
    private const int Waiting = 64;
    private const long Patience = 150_000;

    /// <summary>µs behind now up to which silence is filled in while nothing comes: senders in DTX come every 400 ms (RFC 7587 §3.1.3).</summary>
    private const long Hold = 500_000;

    /// <summary>Samples by which a packet may be off its place before time is mended: 40 ms.</summary>
    private const int Tolerance = 1_920;

    /// <summary>The same while reports agree: drift of clocks, mended a packet at a time.</summary>
    private const int DriftTolerance = 1_200;

    /// <summary>Reports in a row that must agree on a drift.</summary>
    private const int Agreement = 3;

    /// <summary>Samples by which a packet may be ahead of its arrival, 1 s, or behind it, 10 s, before its clock counts as a new one.</summary>
    private const long MaxAhead = 48_000;
    private const long MaxBehind = 480_000;

    private readonly ISoundSink _sink;
    private readonly long _startedAt;
    private ReorderBuffer _packets;
    private bool _isAnchored;
    private uint _anchorTimestamp;
    private long _anchorPosition;
    private uint _reportTimestamp;
    private long _reportAt;
    private bool _hasReport;
    private byte _lastToc;
    private bool _hasLast;
    private long _drift;
    private int _drifts;

    /// <param name="sink">Takes the packets.</param>
    /// <param name="startedAt">The instant of sample 0, µs.</param>
    public SoundTimeline(ISoundSink sink, long startedAt)
    {
        _sink = sink;
        _startedAt = startedAt;
        _packets = new ReorderBuffer(this, Waiting, Patience);
    }

    /// <summary>Samples handed out: where the next packet begins.</summary>
    public long Position { get; private set; }

    /// <summary>Samples of silence that were made up.</summary>
    public long SilentSamples { get; private set; }

    /// <summary>Packets left out: late, malformed, or in a place that is taken.</summary>
    public long Dropped { get; private set; }

    /// <summary>Samples from the beginning to an instant.</summary>
    public long PositionAt(long now) => (now - _startedAt) * 48 / 1_000;

    /// <summary>Another stream takes over: the participant's next track, or the same after it came back.</summary>
    public void Begin(long now)
    {
        _packets.Flush(now);
        _packets = new ReorderBuffer(this, Waiting, Patience);
        _isAnchored = _hasLast = _hasReport = false;
        _drifts = 0;
    }

    /// <summary>One packet as it came.</summary>
    public void Push(ushort sequence, uint timestamp, ReadOnlySpan<byte> payload, long now) =>
        _packets.Push(sequence, timestamp, marker: false, payload, now);

    /// <summary>A report: the time stamp's instant by our clock, µs.</summary>
    public void Report(uint timestamp, long at)
    {
        if (!_isAnchored)
        {
            (_reportTimestamp, _reportAt, _hasReport) = (timestamp, at, true);
            return;
        }

        var error = PositionAt(at) - PlaceOf(timestamp);
        if (Math.Abs(error) >= Tolerance)
        {
            Shift(error);
            return;
        }

        // Small errors count when they persist: a single report is as jittery as the network.
        if (Math.Abs(error) < DriftTolerance || (_drifts > 0 && Math.Sign(error) != Math.Sign(_drift)))
        {
            _drifts = 0;
            return;
        }

        _drift = _drifts == 0 || Math.Abs(error) < Math.Abs(_drift) ? error : _drift;
        if (++_drifts >= Agreement)
        {
            Shift(Math.Sign(_drift) * Opus.FrameDuration);
        }
    }

    /// <summary>Lets time pass: gives up what is missing, fills in silence.</summary>
    public void Advance(long now)
    {
        _packets.Advance(now);
        for (var place = PositionAt(now - Hold); place - Position >= SilentOpus.LongestSamples;)
        {
            Silence(SilentOpus.Longest, SilentOpus.LongestSamples);
        }
    }

    /// <summary>Hands out what waits and fills in silence up to an instant, without holding back.</summary>
    public void Fill(long now)
    {
        _packets.Advance(now);
        FillTo(PositionAt(now));
    }

    /// <summary>Ends the timeline at an instant; answers its exact length in samples.</summary>
    public long Finish(long now)
    {
        _packets.Flush(now);
        var end = Math.Max(0, PositionAt(now));
        while (Position < end)
        {
            Silence(SilentOpus.Longest, SilentOpus.LongestSamples);
        }

        return end;
    }

    /// <inheritdoc/>
    void IPacketSink.OnPacket(uint timestamp, bool marker, ReadOnlySpan<byte> payload, int lost, long now)
    {
        if (!Opus.TryGetSamples(payload, out var samples))
        {
            Dropped++;
            return;
        }

        // A stream whose clock leaps has begun anew: its packet stands where it came.
        var ahead = _isAnchored ? PlaceOf(timestamp) - PositionAt(now) : 0;
        if (!_isAnchored || ahead is > MaxAhead or < -MaxBehind)
        {
            _isAnchored = true;
            _drifts = 0;
            (_anchorTimestamp, _anchorPosition) = (timestamp, FirstPlace(timestamp, PositionAt(now) - samples));
        }

        // The anchor goes along, so that the distance to it fits 32 bits.
        var place = PlaceOf(timestamp);
        (_anchorTimestamp, _anchorPosition) = (timestamp, place);
        if (place + (samples / 2) < Position)
        {
            // Its place is taken, by silence or by what came before.
            Dropped++;
            return;
        }

        var hole = place - Position;
        if (hole >= SilentOpus.Grain && hole <= (lost > 0 ? SilentOpus.MaxConcealed : Tolerance))
        {
            Conceal(place);
        }

        FillTo(place);
        _sink.OnSound(payload, samples);
        Position += samples;
        (_lastToc, _hasLast) = (payload[0], true);
    }

    // By the report that came before it, where there is one; but no frame came before its end.
    private long FirstPlace(uint timestamp, long byArrival)
    {
        var place = byArrival;
        if (_hasReport && PositionAt(_reportAt) + (int)(timestamp - _reportTimestamp) is var reported && Math.Abs(reported - byArrival) < MaxAhead)
        {
            place = Math.Min(reported, byArrival);
        }

        _hasReport = false;
        return Math.Max(Position, place);
    }

    private long PlaceOf(uint timestamp) => _anchorPosition + (int)(timestamp - _anchorTimestamp);

    private void Shift(long samples)
    {
        _anchorPosition += samples;
        _drifts = 0;
    }

    // RFC 7845 §4.1: a packet of the last one's configuration with an empty frame makes the player conceal.
    private void Conceal(long place)
    {
        Span<byte> empty = [(byte)(_lastToc & 0xFC)];
        while (_hasLast && Opus.TryGetSamples(empty, out var samples) && place - Position >= samples)
        {
            _sink.OnSound(empty, samples);
            Position += samples;
        }
    }

    private void FillTo(long place)
    {
        while (SilentOpus.TryTake(place - Position, out var packet, out var samples))
        {
            Silence(packet, samples);
        }
    }

    private void Silence(ReadOnlySpan<byte> packet, int samples)
    {
        _sink.OnSound(packet, samples);
        Position += samples;
        SilentSamples += samples;
    }
}
