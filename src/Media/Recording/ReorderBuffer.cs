using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Recording;

/// <summary>Takes packets in the order of their numbers.</summary>
internal interface IPacketSink
{
    /// <summary>The next packet; <paramref name="lost"/> numbers before it never came.</summary>
    void OnPacket(uint timestamp, bool marker, ReadOnlySpan<byte> payload, int lost, long now);
}

/// <summary>
/// Puts one stream's packets in order. While a number is missing those behind it wait for it, for so long at most; a packet
/// that comes after it was given up is dropped.
/// </summary>
internal sealed class ReorderBuffer(IPacketSink sink, int capacity, long patience)
{
    private readonly Slot[] _slots = new Slot[capacity];
    private readonly Stack<byte[]> _free = [];
    private long _next = -1;
    private long _highest;
    private int _waiting;
    private int _lost;

    private struct Slot
    {
        public byte[]? Bytes;
        public long ArrivedAt;
        public uint Timestamp;
        public int Length;
        public bool Marker;
    }

    /// <summary>Packets that came too late, or twice.</summary>
    public long Late { get; private set; }

    /// <summary>Numbers that never came.</summary>
    public long Lost { get; private set; }

    /// <summary>One packet as it came, with RTP's 16 bits of its number.</summary>
    public void Push(ushort sequence, uint timestamp, bool marker, ReadOnlySpan<byte> payload, long now)
    {
        if (_next < 0)
        {
            // The first number gets 65,536 added, so that late ones stay positive.
            _next = 65_536 + sequence;
            _highest = _next - 1;
        }

        var extended = _highest + (short)(sequence - (ushort)_highest);
        if (extended - _next >= capacity)
        {
            Flush(now);
            GiveUpTo(Math.Max(_next, extended - capacity + 1));
        }

        if (extended < _next)
        {
            Late++;
            return;
        }

        _highest = Math.Max(_highest, extended);
        if (extended == _next && _waiting == 0)
        {
            HandOut(timestamp, marker, payload, now);
            return;
        }

        ref var slot = ref _slots[(int)(extended % capacity)];
        if (slot.Bytes is not null)
        {
            Late++;
            return;
        }

        slot = new Slot { Bytes = Rent(payload.Length), ArrivedAt = now, Timestamp = timestamp, Length = payload.Length, Marker = marker };
        payload.CopyTo(slot.Bytes);
        _waiting++;
        Release(now);
    }

    /// <summary>Gives up what has been missing for too long.</summary>
    public void Advance(long now)
    {
        while (_waiting > 0 && now - OldestArrival() >= patience)
        {
            GiveUpToWaiting(now);
        }
    }

    /// <summary>Hands out all that waits: the stream has ended.</summary>
    public void Flush(long now)
    {
        while (_waiting > 0)
        {
            GiveUpToWaiting(now);
        }
    }

    private void GiveUpToWaiting(long now)
    {
        var next = _next;
        while (_slots[(int)(next % capacity)].Bytes is null)
        {
            next++;
        }

        GiveUpTo(next);
        Release(now);
    }

    private void GiveUpTo(long next)
    {
        var lost = next - _next;
        Lost += lost;
        _lost = (int)Math.Min(int.MaxValue, _lost + lost);
        _next = next;
    }

    private void Release(long now)
    {
        while (_slots[(int)(_next % capacity)] is { Bytes: { } bytes } slot)
        {
            _slots[(int)(_next % capacity)].Bytes = null;
            _waiting--;
            HandOut(slot.Timestamp, slot.Marker, bytes.AsSpan(0, slot.Length), now);
            _free.Push(bytes);
        }
    }

    private void HandOut(uint timestamp, bool marker, ReadOnlySpan<byte> payload, long now)
    {
        var lost = _lost;
        _lost = 0;
        _next++;
        sink.OnPacket(timestamp, marker, payload, lost, now);
    }

    private long OldestArrival()
    {
        var oldest = long.MaxValue;
        foreach (ref readonly var slot in _slots.AsSpan())
        {
            if (slot.Bytes is not null)
            {
                oldest = Math.Min(oldest, slot.ArrivedAt);
            }
        }

        return oldest;
    }

    private byte[] Rent(int length) =>
        length <= Datagram.MaxSize && _free.TryPop(out var bytes) ? bytes : new byte[Math.Max(length, Datagram.MaxSize)];
}
