using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing;

/// <summary>What a receiver report says of one SSRC (RFC 3550 §6.4.1, §A.3, §A.8).</summary>
internal sealed class ReceptionStatistics(int clockRate)
{
    /// <summary>Packets whose duplicates are recognised.</summary>
    private const int DuplicateWindow = 2048;

    private readonly ulong[] _seen = new ulong[DuplicateWindow / 64];
    private ExtendedSequence _sequence;
    private long _seenUpTo;
    private long _base;
    private long _received;
    private long _expectedPrior;
    private long _receivedPrior;
    private double _jitter;
    private long _lastArrival;
    private uint _lastTimestamp;
    private bool _hasTransit;
    private NtpTime _lastReportNtp;
    private long _lastReportAt;
    private bool _hasReport;

    // Of the 64 numbers up to _recoveredUpTo, those that TryRecover has taken; the lowest bit is the highest number's.
    private ulong _recovered;
    private long _recoveredUpTo;

    public bool HasPackets => _sequence.HasValue;

    public long Highest => _sequence.Highest;

    /// <summary>Packets that came since the stream began, or began anew.</summary>
    public long Received => _received;

    /// <summary>Packets that should have come.</summary>
    public long Expected => HasPackets ? _sequence.Highest - _base + 1 : 0;

    /// <summary>Interarrival jitter in units of the clock (RFC 3550 §6.4.1).</summary>
    public double Jitter => _jitter;

    /// <summary>The share lost as the last report said, of 256.</summary>
    public byte FractionLost { get; private set; }

    /// <summary>Takes a packet into account; false for a duplicate or an implausible number.</summary>
    public bool TryAccept(SequenceNumber sequence, out long extended, out bool restarted)
    {
        restarted = false;
        var isFirst = !_sequence.HasValue;
        var verdict = _sequence.Update(sequence, out extended);
        if (verdict == SequenceVerdict.Suspect)
        {
            return false;
        }

        if (isFirst || verdict == SequenceVerdict.Restarted)
        {
            restarted = !isFirst;
            _base = extended;
            _received = _expectedPrior = _receivedPrior = 0;
            _hasTransit = false;
            Array.Clear(_seen);
            _seenUpTo = extended;
            (_recovered, _recoveredUpTo) = (0, extended);
        }

        return TryMark(extended);
    }

    /// <summary>
    /// Takes a packet that has not come, but whose copy has. From then on it is there, and what comes late is a duplicate. False when it
    /// came before, or is from before the stream began.
    /// </summary>
    public bool TryRecover(long extended)
    {
        if (extended < _base || extended > _seenUpTo || !TryMark(extended))
        {
            return false;
        }

        if (extended > _recoveredUpTo)
        {
            var step = extended - _recoveredUpTo;
            _recovered = step < 64 ? _recovered << (int)step : 0;
            _recoveredUpTo = extended;
        }

        _recovered |= _recoveredUpTo - extended < 64 ? 1UL << (int)(_recoveredUpTo - extended) : 0;
        return true;
    }

    /// <summary>Whether a duplicate is the late packet itself of one that was recovered, which was no loss then. True once.</summary>
    public bool IsLateOriginal(long extended)
    {
        var back = _recoveredUpTo - extended;
        if (back is < 0 or >= 64 || (_recovered & (1UL << (int)back)) == 0)
        {
            return false;
        }

        _recovered &= ~(1UL << (int)back);
        return true;
    }

    /// <summary>Counts a packet that came on its own SSRC, for loss and jitter.</summary>
    public void CountReceived(uint timestamp, long now)
    {
        _received++;

        // RFC 3550 §A.8: J += (|D| - J) / 16, in units of the clock. Packets of one frame share a time stamp and tell nothing.
        if (_hasTransit && timestamp != _lastTimestamp)
        {
            var arrival = (now - _lastArrival) * (double)clockRate / 1_000_000;
            var difference = Math.Abs(arrival - (int)(timestamp - _lastTimestamp));

            // A restart of the media clock is not jitter.
            if (difference < clockRate * 5.0)
            {
                _jitter += (difference - _jitter) / 16;
            }
        }

        if (!_hasTransit || timestamp != _lastTimestamp)
        {
            _hasTransit = true;
            _lastArrival = now;
            _lastTimestamp = timestamp;
        }
    }

    /// <summary>Remembers a sender report for LSR and DLSR.</summary>
    public void OnSenderReport(NtpTime ntp, long now)
    {
        _lastReportNtp = ntp;
        _lastReportAt = now;
        _hasReport = true;
    }

    /// <summary>Makes the report block and begins a new interval.</summary>
    public ReportBlock Report(Ssrc ssrc, long now)
    {
        // RFC 3550 §A.3.
        var expected = _sequence.Highest - _base + 1;
        var lost = expected - _received;
        var expectedInterval = expected - _expectedPrior;
        var lostInterval = expectedInterval - (_received - _receivedPrior);
        _expectedPrior = expected;
        _receivedPrior = _received;
        FractionLost = expectedInterval <= 0 || lostInterval <= 0 ? (byte)0 : (byte)Math.Min(255, (lostInterval << 8) / expectedInterval);
        return new ReportBlock(
            ssrc,
            FractionLost,
            (int)Math.Clamp(lost, -0x80_0000, 0x7F_FFFF),
            (uint)(_sequence.Highest - 65536),
            (uint)_jitter,
            _hasReport ? _lastReportNtp.Middle : 0,
            _hasReport ? (uint)((now - _lastReportAt) * 65536 / 1_000_000) : 0);
    }

    private bool TryMark(long extended)
    {
        if (extended > _seenUpTo)
        {
            if (extended - _seenUpTo >= DuplicateWindow)
            {
                Array.Clear(_seen);
            }
            else
            {
                for (var s = _seenUpTo + 1; s <= extended; s++)
                {
                    _seen[(int)(s & (DuplicateWindow - 1)) >> 6] &= ~(1UL << (int)(s & 63));
                }
            }

            _seenUpTo = extended;
        }
        else if (_seenUpTo - extended >= DuplicateWindow)
        {
            return false;
        }

        ref var word = ref _seen[(int)(extended & (DuplicateWindow - 1)) >> 6];
        var bit = 1UL << (int)(extended & 63);
        if ((word & bit) != 0)
        {
            return false;
        }

        word |= bit;
        return true;
    }
}
