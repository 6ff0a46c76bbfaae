namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>One direction of a network in virtual time with a rate and a queue before it that drops what does not fit.</summary>
internal sealed class BottleneckLink(long delay, long maxQueue)
{
    private readonly Queue<(byte[] Packet, bool IsRtcp, long QueuedAt)> _queue = new();
    private readonly Queue<(byte[] Packet, bool IsRtcp, long At)> _underWay = new();
    private long _freeAt;
    private long _queuedBytes;

    /// <summary>Bits a second.</summary>
    public long Rate { get; set; } = 3_000_000;

    public int Dropped { get; private set; }

    /// <summary>Bytes that went through.</summary>
    public long Passed { get; private set; }

    /// <summary>µs that a packet would wait now.</summary>
    public long QueueDelay => _queuedBytes * 8_000_000 / Rate;

    public void Send(ReadOnlySpan<byte> packet, bool isRtcp, long now)
    {
        Serve(now);
        if (QueueDelay > maxQueue)
        {
            Dropped++;
            return;
        }

        _queue.Enqueue((packet.ToArray(), isRtcp, now));
        _queuedBytes += packet.Length;
    }

    public bool TryReceive(long now, out byte[] packet, out bool isRtcp)
    {
        Serve(now);
        (packet, isRtcp) = ([], false);
        if (!_underWay.TryPeek(out var next) || next.At > now)
        {
            return false;
        }

        _underWay.Dequeue();
        (packet, isRtcp) = (next.Packet, next.IsRtcp);
        return true;
    }

    private void Serve(long now)
    {
        while (_queue.TryPeek(out var head))
        {
            var done = Math.Max(_freeAt, head.QueuedAt) + (head.Packet.Length * 8_000_000L / Rate);
            if (done > now)
            {
                return;
            }

            _queue.Dequeue();
            _queuedBytes -= head.Packet.Length;
            Passed += head.Packet.Length;
            _freeAt = done;
            _underWay.Enqueue((head.Packet, head.IsRtcp, done + delay));
        }
    }
}
