namespace VoiceCluster.Media.Bandwidth;

/// <summary>How one group of packets differs from the one before, µs.</summary>
internal readonly record struct GroupDelta(long Sent, long Arrived);

/// <summary>
/// Puts packets that were sent within 5 ms, or that a queue let go in one burst, into groups, and compares each with the one
/// before (draft-ietf-rmcat-gcc-02 §5.2 and §5.3).
/// </summary>
internal sealed class PacketGroups
{
    /// <summary>µs: packets sent within it belong together (§5.2, burst_time).</summary>
    private const long Burst = 5_000;

    /// <summary>µs that a burst lasts at most, so that a queue that lets go all the time ends it.</summary>
    private const long MaxBurst = 100_000;

    /// <summary>µs between two packets' arrivals after which a comparison says nothing: the sender was silent or the clock leapt.</summary>
    private const long MaxGap = 3_000_000;

    private Group _previous;
    private Group _current;

    private struct Group
    {
        public bool HasPackets;
        public long FirstSent;
        public long LastSent;
        public long FirstArrival;
        public long LastArrival;
    }

    /// <summary>Takes a packet in the order of sending. True when it begins a group and two whole ones stand before it to compare.</summary>
    public bool OnPacket(long sentAt, long arrival, out GroupDelta delta)
    {
        delta = default;
        if (_current.HasPackets && Math.Abs(arrival - _current.LastArrival) > MaxGap)
        {
            (_previous, _current) = (default, default);
        }

        if (!_current.HasPackets)
        {
            Begin(sentAt, arrival);
            return false;
        }

        if (sentAt < _current.FirstSent)
        {
            return false;
        }

        if (sentAt - _current.FirstSent <= Burst || IsBurst(sentAt, arrival))
        {
            _current.LastSent = Math.Max(_current.LastSent, sentAt);
            _current.LastArrival = Math.Max(_current.LastArrival, arrival);
            return false;
        }

        var isComplete = _previous.HasPackets;
        delta = new GroupDelta(_current.LastSent - _previous.LastSent, _current.LastArrival - _previous.LastArrival);
        _previous = _current;
        Begin(sentAt, arrival);
        return isComplete;
    }

    private void Begin(long sentAt, long arrival)
        => _current = new Group { HasPackets = true, FirstSent = sentAt, LastSent = sentAt, FirstArrival = arrival, LastArrival = arrival };

    private bool IsBurst(long sentAt, long arrival)
    {
        var arrivalDelta = arrival - _current.LastArrival;
        return arrivalDelta < sentAt - _current.LastSent && arrivalDelta <= Burst && arrival - _current.FirstArrival < MaxBurst;
    }
}
