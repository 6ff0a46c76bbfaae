namespace VoiceCluster.Media.Mixing;

/// <summary>
/// Packets of one speaker that wait to be played, by sequence number. All memory is made at the start; when a sender is
/// further ahead than it holds, the oldest packets go.
/// </summary>
internal sealed class JitterBuffer
{
    /// <summary>Packets kept: more than the longest delay at 5 ms a packet, and a power of two.</summary>
    private const int Slots = 64;

    /// <summary>Bytes kept: half a second at 256 kbit/s.</summary>
    private const int Bytes = 16_384;

    /// <summary>Bytes of the longest packet taken; no UDP packet on a usual path is longer.</summary>
    public const int MaxPacket = 1_500;

    // A packet never wraps: the last may run into the tail behind the ring.
    private readonly byte[] _bytes = new byte[Bytes + MaxPacket];
    private readonly Slot[] _slots = new Slot[Slots];
    private long _written;
    private long _highest = long.MinValue / 2;

    /// <summary>Packets held.</summary>
    public int Count { get; private set; }

    /// <summary>Takes a packet; false for one that is too long, held already, or too old to fit.</summary>
    public bool TryStore(long sequence, long timestamp, int samples, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > MaxPacket || sequence <= _highest - Slots)
        {
            return false;
        }

        ref var slot = ref _slots[(int)(sequence & (Slots - 1))];
        if (slot.IsUsed)
        {
            if (slot.Sequence >= sequence)
            {
                return false;
            }

            slot.IsUsed = false;
            Count--;
        }

        // What the new bytes overwrite can no longer be played.
        _written += payload.Length;
        for (var i = 0; i < Slots; i++)
        {
            if (_slots[i].IsUsed && _slots[i].Position + Bytes < _written)
            {
                _slots[i].IsUsed = false;
                Count--;
            }
        }

        var position = _written - payload.Length;
        slot = new Slot { IsUsed = true, Sequence = sequence, Timestamp = timestamp, Samples = samples, Position = position, Length = payload.Length };
        payload.CopyTo(_bytes.AsSpan((int)(position % Bytes)));
        _highest = Math.Max(_highest, sequence);
        Count++;
        return true;
    }

    /// <summary>The packet of this number.</summary>
    public bool TryGet(long sequence, out JitterPacket packet)
    {
        ref var slot = ref _slots[(int)(sequence & (Slots - 1))];
        if (!slot.IsUsed || slot.Sequence != sequence)
        {
            packet = default;
            return false;
        }

        packet = new JitterPacket(slot.Sequence, slot.Timestamp, slot.Samples, _bytes.AsSpan((int)(slot.Position % Bytes), slot.Length));
        return true;
    }

    /// <summary>The first packet held of this number or a later one.</summary>
    public bool TryGetFrom(long sequence, out JitterPacket packet)
    {
        for (var s = Math.Max(sequence, _highest - Slots + 1); Count > 0 && s <= _highest; s++)
        {
            if (TryGet(s, out packet))
            {
                return true;
            }
        }

        packet = default;
        return false;
    }

    /// <summary>Drops the packet of this number, and those before it.</summary>
    public void RemoveTo(long sequence)
    {
        for (var i = 0; Count > 0 && i < Slots; i++)
        {
            if (_slots[i].IsUsed && _slots[i].Sequence <= sequence)
            {
                _slots[i].IsUsed = false;
                Count--;
            }
        }
    }

    /// <summary>Drops everything.</summary>
    public void Clear()
    {
        for (var i = 0; i < Slots; i++)
        {
            _slots[i].IsUsed = false;
        }

        Count = 0;
        _highest = long.MinValue / 2;
    }

    private struct Slot
    {
        public bool IsUsed;
        public long Sequence;
        public long Timestamp;
        public int Samples;
        public long Position;
        public int Length;
    }
}

/// <summary>A packet that waits to be played.</summary>
internal readonly ref struct JitterPacket(long sequence, long timestamp, int samples, ReadOnlySpan<byte> payload)
{
    public long Sequence => sequence;

    /// <summary>Extended; samples of 48 kHz.</summary>
    public long Timestamp => timestamp;

    /// <summary>Duration at 48 kHz.</summary>
    public int Samples => samples;

    public ReadOnlySpan<byte> Payload { get; } = payload;
}
