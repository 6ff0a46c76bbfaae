using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// The last packets of one stream for retransmission, kept once for all its consumers: a ring of bytes and an index.
/// That of a picture grows until it holds <see cref="Keep"/> of the stream, and then allocates no more; that of sound has one size.
/// </summary>
internal sealed class PacketHistory
{
    /// <summary>Packets indexed.</summary>
    private const int Slots = 1024;

    /// <summary>The same of sound: 640 ms.</summary>
    private const int SoundSlots = 32;

    /// <summary>Bytes of sound: 32 packets at 100 kbit/s, and always some.</summary>
    private const int SoundSize = 8 * 1024;

    /// <summary>µs of the stream that should fit.</summary>
    private const long Keep = 1_000_000;

    private const int FirstSize = 64 * 1024;
    private const int MaxSize = 2 * 1024 * 1024;

    private readonly Entry[] _entries;
    private readonly int _maxSize;
    private byte[] _bytes;

    // Bytes ever written, skipped ends included; the position in the ring is this modulo its size.
    private long _written;
    private long _lapStartedAt;

    private PacketHistory(int slots, int size, int maxSize)
    {
        (_entries, _bytes, _maxSize) = (new Entry[slots], new byte[size], maxSize);
    }

    private struct Entry
    {
        public long Sequence;
        public long Position;
        public long StoredAt;
        public uint Timestamp;
        public ushort ExtensionsLength;
        public ushort PayloadLength;
        public ushort PrimaryAt;
        public byte PayloadType;
        public bool Marker;
        public PayloadFormat Format;
        public VideoFrame Frame;
    }

    /// <summary>For a picture.</summary>
    public static PacketHistory OfPictures() => new(Slots, FirstSize, MaxSize);

    /// <summary>For sound.</summary>
    public static PacketHistory OfSound() => new(SoundSlots, SoundSize, SoundSize);

    /// <summary>Keeps a copy.</summary>
    public void Store(in SourcePacket packet, long now)
    {
        var length = packet.Extensions.Length + packet.Payload.Length;
        var position = Reserve(length, now);
        var target = _bytes.AsSpan((int)(position & (_bytes.Length - 1)), length);
        packet.Extensions.CopyTo(target);
        packet.Payload.CopyTo(target[packet.Extensions.Length..]);
        _entries[(int)(packet.Sequence & (_entries.Length - 1))] = new Entry
        {
            Sequence = packet.Sequence,
            Position = position,
            StoredAt = now,
            Timestamp = packet.Timestamp,
            ExtensionsLength = (ushort)packet.Extensions.Length,
            PayloadLength = (ushort)packet.Payload.Length,
            PrimaryAt = (ushort)packet.PrimaryAt,
            PayloadType = packet.PayloadType,
            Marker = packet.Marker,
            Format = packet.Format,
            Frame = packet.Frame,
        };
    }

    /// <summary>Gives the packet back; false when it is gone or never came. Valid until the next <see cref="Store"/>.</summary>
    public bool TryGet(long sequence, out SourcePacket packet) => TryGet(sequence, out packet, out _);

    /// <summary>The same, and when it was kept.</summary>
    public bool TryGet(long sequence, out SourcePacket packet, out long storedAt)
    {
        packet = default;
        storedAt = 0;
        ref readonly var entry = ref _entries[(int)(sequence & (_entries.Length - 1))];
        if (entry.Sequence != sequence || entry.StoredAt == 0 || _written - entry.Position > _bytes.Length)
        {
            return false;
        }

        storedAt = entry.StoredAt;
        var start = (int)(entry.Position & (_bytes.Length - 1));
        packet = new SourcePacket
        {
            Sequence = sequence,
            Timestamp = entry.Timestamp,
            PayloadType = entry.PayloadType,
            Marker = entry.Marker,
            Extensions = _bytes.AsSpan(start, entry.ExtensionsLength),
            Payload = _bytes.AsSpan(start + entry.ExtensionsLength, entry.PayloadLength),
            Format = entry.Format,
            Frame = entry.Frame,
            PrimaryAt = entry.PrimaryAt,
        };
        return true;
    }

    private long Reserve(int length, long now)
    {
        var position = AfterEnd(_written, length);
        if ((position & (_bytes.Length - 1)) == 0)
        {
            // One lap of the ring is over. If it took less than what is to be kept, the ring is too short.
            if (position != 0 && now - _lapStartedAt < Keep && _bytes.Length < _maxSize)
            {
                Grow();
                position = AfterEnd(_written, length);
            }

            _lapStartedAt = now;
        }

        _written = position + length;
        return position;
    }

    // A packet lies in one piece: the end of the ring is skipped when it is too short.
    private long AfterEnd(long position, int length)
    {
        var offset = (int)(position & (_bytes.Length - 1));
        return offset + length > _bytes.Length ? position + _bytes.Length - offset : position;
    }

    private void Grow()
    {
        var old = _bytes;
        var bytes = new byte[old.Length * 2];
        var written = 0L;
        foreach (ref var entry in _entries.AsSpan())
        {
            var length = entry.ExtensionsLength + entry.PayloadLength;
            if (entry.StoredAt != 0 && _written - entry.Position <= old.Length)
            {
                old.AsSpan((int)(entry.Position & (old.Length - 1)), length).CopyTo(bytes.AsSpan((int)written));
                entry.Position = written;
                written += length;
            }
            else
            {
                entry = default;
            }
        }

        _bytes = bytes;
        _written = written;
    }
}
