using System.Buffers.Binary;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Rtcp;

/// <summary>
/// Goes through the packets that a transport-wide feedback reports on, in the order of their numbers
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
/// </summary>
public ref struct TransportFeedbackReader
{
    /// <summary>Statuses in one feedback beyond which it counts as malformed: two seconds of a very fast stream.</summary>
    public const int MaxStatuses = 4096;

    /// <summary>µs of one unit of a receive delta (§3.1.5).</summary>
    private const long DeltaUnit = 250;

    /// <summary>µs of one unit of the reference time (§3.1).</summary>
    private const long ReferenceUnit = 64_000;

    private ReadOnlySpan<byte> _chunks;
    private ReadOnlySpan<byte> _deltas;
    private int _left;
    private ushort _next;

    // The present chunk: how many of its symbols are left, and for a vector of one or two bits the bits, the next one on top of 14.
    private int _chunkLeft;
    private int _chunkBits;
    private int _symbolBits;

    private TransportFeedbackReader(ReadOnlySpan<byte> chunks, ReadOnlySpan<byte> deltas, ushort first, int count, int referenceTime)
    {
        _chunks = chunks;
        _deltas = deltas;
        _next = first;
        _left = count;
        First = new SequenceNumber(first);
        Count = count;
        ReferenceTime = referenceTime;
    }

    /// <summary>The first number reported on.</summary>
    public SequenceNumber First { get; }

    /// <summary>How many numbers are reported on.</summary>
    public int Count { get; }

    /// <summary>24 bits, in units of 64 ms of the receiver's clock.</summary>
    public int ReferenceTime { get; }

    /// <summary>The present packet's number.</summary>
    public SequenceNumber Current { get; private set; }

    /// <summary>Whether the present packet has arrived.</summary>
    public bool IsReceived { get; private set; }

    /// <summary>When it has, in µs after <see cref="ReferenceTime"/>.</summary>
    public long Arrival { get; private set; }

    /// <summary>The reference time in µs, once its 24 bits have been extended.</summary>
    public static long ToMicroseconds(long extendedReferenceTime) => extendedReferenceTime * ReferenceUnit;

    /// <summary>Checks the feedback's control information whole; false when chunks or deltas overrun it.</summary>
    public static bool TryParse(ReadOnlySpan<byte> feedbackControl, out TransportFeedbackReader reader)
    {
        reader = default;
        if (feedbackControl.Length < 8)
        {
            return false;
        }

        int count = BinaryPrimitives.ReadUInt16BigEndian(feedbackControl[2..]);
        if (count is 0 or > MaxStatuses)
        {
            return false;
        }

        var offset = 8;
        var deltaBytes = 0;
        for (var seen = 0; seen < count; offset += 2)
        {
            if (offset + 2 > feedbackControl.Length
                || !TryMeasure(BinaryPrimitives.ReadUInt16BigEndian(feedbackControl[offset..]), count - seen, out var symbols, out var bytes))
            {
                return false;
            }

            seen += symbols;
            deltaBytes += bytes;
        }

        if (feedbackControl.Length - offset < deltaBytes)
        {
            return false;
        }

        reader = new TransportFeedbackReader(
            feedbackControl[8..offset],
            feedbackControl.Slice(offset, deltaBytes),
            BinaryPrimitives.ReadUInt16BigEndian(feedbackControl),
            count,
            (int)(BinaryPrimitives.ReadUInt32BigEndian(feedbackControl[4..]) >> 8));
        return true;
    }

    /// <summary>Moves to the next packet.</summary>
    public bool MoveNext()
    {
        if (_left == 0)
        {
            return false;
        }

        if (_chunkLeft == 0)
        {
            Open(BinaryPrimitives.ReadUInt16BigEndian(_chunks));
            _chunks = _chunks[2..];
        }

        int symbol;
        if (_symbolBits == 0)
        {
            symbol = _chunkBits;
        }
        else
        {
            symbol = (_chunkBits >> (14 - _symbolBits)) & ((1 << _symbolBits) - 1);
            _chunkBits <<= _symbolBits;
        }

        _chunkLeft--;
        _left--;
        Current = new SequenceNumber(_next++);
        IsReceived = symbol != 0;

        // §3.1.5: a small delta has one unsigned byte, a large or negative one two signed ones.
        if (symbol == 1)
        {
            Arrival += _deltas[0] * DeltaUnit;
        }
        else if (symbol == 2)
        {
            Arrival += BinaryPrimitives.ReadInt16BigEndian(_deltas) * DeltaUnit;
        }

        _deltas = _deltas[symbol..];
        return true;
    }

    // §3.1.3 and §3.1.4. Symbol 3 is reserved.
    private static bool TryMeasure(int chunk, int wanted, out int symbols, out int bytes)
    {
        bytes = 0;
        if ((chunk & 0x8000) == 0)
        {
            var symbol = (chunk >> 13) & 3;
            symbols = Math.Min(chunk & 0x1FFF, wanted);
            bytes = symbol * symbols;
            return symbol != 3 && symbols > 0;
        }

        if ((chunk & 0x4000) == 0)
        {
            symbols = Math.Min(14, wanted);
            bytes = System.Numerics.BitOperations.PopCount((uint)(chunk & 0x3FFF) >> (14 - symbols));
            return true;
        }

        symbols = Math.Min(7, wanted);
        for (var i = 0; i < symbols; i++)
        {
            var symbol = (chunk >> (12 - (2 * i))) & 3;
            if (symbol == 3)
            {
                return false;
            }

            bytes += symbol;
        }

        return true;
    }

    private void Open(int chunk)
    {
        if ((chunk & 0x8000) == 0)
        {
            (_symbolBits, _chunkBits, _chunkLeft) = (0, (chunk >> 13) & 3, chunk & 0x1FFF);
        }
        else if ((chunk & 0x4000) == 0)
        {
            (_symbolBits, _chunkBits, _chunkLeft) = (1, chunk & 0x3FFF, 14);
        }
        else
        {
            (_symbolBits, _chunkBits, _chunkLeft) = (2, chunk & 0x3FFF, 7);
        }
    }
}
