using System.Buffers.Binary;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Bandwidth;

/// <summary>
/// Tells a sender when each of its packets arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1), so that
/// it can control its bitrate.
/// </summary>
internal sealed class TransportFeedbackGenerator
{
    /// <summary>µs between two feedbacks.</summary>
    public const long Interval = 100_000;

    /// <summary>Arrivals remembered; what is older is not reported.</summary>
    private const int Window = 2048;

    /// <summary>Packets that one feedback covers at most; two bytes of delta each still fit the datagram.</summary>
    private const int MaxStatuses = 400;

    /// <summary>Packets by which a late one reopens what was reported.</summary>
    private const int MaxLateness = 200;

    /// <summary>µs of one delta unit.</summary>
    private const long Tick = 250;

    /// <summary>Ticks of one unit of the reference time: 64 ms.</summary>
    private const long ReferenceTicks = 256;

    // Arrival in ticks by number modulo the window; -1 while not arrived.
    private readonly long[] _arrivals = new long[Window];
    private readonly byte[] _symbols = new byte[MaxStatuses];
    private readonly short[] _deltas = new short[MaxStatuses];
    private ExtendedSequence _sequence;
    private long _base = -1;
    private byte _feedbackCount;

    /// <summary>The SSRC that the feedback names as media source: that of the latest packet.</summary>
    public Ssrc MediaSource { get; private set; }

    /// <summary>True when there is something to report.</summary>
    public bool IsDue => _base >= 0 && _base <= _sequence.Highest;

    /// <summary>Notes the arrival of a packet with this transport-wide number.</summary>
    public void OnPacket(ushort number, Ssrc ssrc, long now)
    {
        var previous = _sequence.HasValue ? _sequence.Highest : -1;
        if (_sequence.Update(new SequenceNumber(number), out var extended) == SequenceVerdict.Suspect)
        {
            return;
        }

        MediaSource = ssrc;
        if (previous < 0 || extended - previous >= Window)
        {
            Array.Fill(_arrivals, -1);
            _base = extended;
        }
        else
        {
            for (var s = previous + 1; s <= extended; s++)
            {
                _arrivals[(int)(s & (Window - 1))] = -1;
            }

            if (extended < _base)
            {
                if (_sequence.Highest - extended > MaxLateness)
                {
                    return;
                }

                _base = extended;
            }
        }

        ref var slot = ref _arrivals[(int)(extended & (Window - 1))];
        if (slot < 0)
        {
            slot = now / Tick;
        }
    }

    /// <summary>Adds one feedback packet; call while <see cref="IsDue"/> is true. False when it does not fit.</summary>
    public bool TryWrite(ref RtcpWriter writer, Ssrc sender)
    {
        _base = Math.Max(_base, _sequence.Highest - Window + 1);
        while (_base <= _sequence.Highest && Arrival(_base) < 0 && _sequence.Highest - _base >= MaxStatuses)
        {
            _base++;
        }

        var first = _base;
        while (first < _sequence.Highest && Arrival(first) < 0)
        {
            first++;
        }

        var reference = Arrival(first) / ReferenceTicks;
        var last = reference * ReferenceTicks;
        var count = 0;
        var deltaBytes = 0;
        for (var s = _base; s <= _sequence.Highest && count < MaxStatuses; s++)
        {
            var arrival = Arrival(s);
            if (arrival < 0)
            {
                _symbols[count++] = 0;
                continue;
            }

            var delta = arrival - last;
            if (delta is > short.MaxValue or < short.MinValue)
            {
                // Too far from the one before: the next feedback has its own reference.
                break;
            }

            last = arrival;
            _deltas[count] = (short)delta;
            var small = delta is >= 0 and <= byte.MaxValue;
            _symbols[count++] = (byte)(small ? 1 : 2);
            deltaBytes += small ? 1 : 2;
        }

        var chunks = CountChunks(count);
        var length = 8 + (chunks * 2) + deltaBytes;
        var padded = (length + 3) & ~3;
        if (!writer.TryBeginFeedback(RtcpType.TransportFeedback, TransportFeedbackFormat.TransportCc, sender, MediaSource, padded, out var control))
        {
            return false;
        }

        control.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(control, (ushort)_base);
        BinaryPrimitives.WriteUInt16BigEndian(control[2..], (ushort)count);
        BinaryPrimitives.WriteUInt32BigEndian(control[4..], ((uint)(reference & 0xFF_FFFF) << 8) | _feedbackCount++);
        WriteChunks(control[8..], count);
        WriteDeltas(control[(8 + (chunks * 2))..], count);
        _base += count;
        return true;
    }

    private long Arrival(long sequence) => _arrivals[(int)(sequence & (Window - 1))];

    // §3.1.3 and §3.1.4: a run of equal symbols, or a vector of seven two-bit symbols.
    private int NextChunk(int start, int count, out int covered)
    {
        var run = 1;
        while (start + run < count && _symbols[start + run] == _symbols[start])
        {
            run++;
        }

        if (run >= 7 || start + run == count)
        {
            covered = run;
            return (_symbols[start] << 13) | run;
        }

        covered = Math.Min(7, count - start);
        var chunk = 0xC000;
        for (var i = 0; i < covered; i++)
        {
            chunk |= _symbols[start + i] << (12 - (2 * i));
        }

        return chunk;
    }

    private int CountChunks(int count)
    {
        var chunks = 0;
        for (var i = 0; i < count; chunks++)
        {
            NextChunk(i, count, out var covered);
            i += covered;
        }

        return chunks;
    }

    private void WriteChunks(Span<byte> destination, int count)
    {
        for (var i = 0; i < count;)
        {
            BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)NextChunk(i, count, out var covered));
            destination = destination[2..];
            i += covered;
        }
    }

    private void WriteDeltas(Span<byte> destination, int count)
    {
        var offset = 0;
        for (var i = 0; i < count; i++)
        {
            if (_symbols[i] == 1)
            {
                destination[offset++] = (byte)_deltas[i];
            }
            else if (_symbols[i] == 2)
            {
                BinaryPrimitives.WriteInt16BigEndian(destination[offset..], _deltas[i]);
                offset += 2;
            }
        }
    }
}
