namespace VoiceCluster.Media.Bandwidth;

/// <summary>
/// Measures one probe cluster: how fast its packets were sent and how fast they came. The lesser of the two has been shown to
/// arrive; where they came slower than they were sent, that is the limit.
/// </summary>
internal sealed class ProbeResult
{
    /// <summary>Share of the packets that must have come.</summary>
    private const double EnoughPackets = 0.8;

    /// <summary>Below this share of the sending rate the way was full.</summary>
    private const double Saturated = 0.9;

    /// <summary>What is taken of a full way's rate.</summary>
    private const double OfSaturated = 0.95;

    /// <summary>Above this multiple of the sending rate the arrivals were bunched by something on the way and say nothing.</summary>
    private const double Bunched = 1.3;

    private int _cluster;
    private int _sent;
    private int _arrived;
    private long _bytes;
    private long _firstSent;
    private long _lastSent;
    private long _firstArrival;
    private long _lastArrival;
    private int _sizeOfLastSent;
    private int _sizeOfFirstArrived;

    public void Begin(int cluster)
    {
        _cluster = cluster;
        (_sent, _arrived, _bytes) = (0, 0, 0);
    }

    public void OnSent() => _sent++;

    public void OnArrived(in LoggedPacket packet, long arrival)
    {
        if (packet.Probe != _cluster)
        {
            return;
        }

        if (_arrived++ == 0)
        {
            (_firstSent, _lastSent, _firstArrival, _lastArrival) = (packet.SentAt, packet.SentAt, arrival, arrival);
            (_sizeOfLastSent, _sizeOfFirstArrived) = (packet.Size, packet.Size);
        }

        _bytes += packet.Size;
        _firstSent = Math.Min(_firstSent, packet.SentAt);
        if (packet.SentAt >= _lastSent)
        {
            (_lastSent, _sizeOfLastSent) = (packet.SentAt, packet.Size);
        }

        if (arrival < _firstArrival)
        {
            (_firstArrival, _sizeOfFirstArrived) = (arrival, packet.Size);
        }

        _lastArrival = Math.Max(_lastArrival, arrival);
    }

    /// <summary>The rate shown, once enough of the cluster has come; <paramref name="bitrate"/> 0 means that it said nothing.</summary>
    /// <param name="isLimit">Whether the way gives no more than that.</param>
    public bool TryTake(out double bitrate, out bool isLimit)
    {
        (bitrate, isLimit) = (0, false);
        if (_sent < 2 || _arrived < _sent * EnoughPackets)
        {
            return false;
        }

        var sent = (_bytes - _sizeOfLastSent) * 8e6 / Math.Max(1_000, _lastSent - _firstSent);
        var arrived = (_bytes - _sizeOfFirstArrived) * 8e6 / Math.Max(1_000, _lastArrival - _firstArrival);
        if (arrived <= sent * Bunched)
        {
            isLimit = arrived < Saturated * sent;
            bitrate = isLimit ? OfSaturated * arrived : Math.Min(sent, arrived);
        }

        Begin(0);
        return true;
    }
}
