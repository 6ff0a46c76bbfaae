using System.Buffers.Binary;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.LoadTest.Media;

/// <summary>The streams of one receiving link: how many packets of each came, how many should have, and what its reports say of them.</summary>
internal sealed class StreamMeter
{
    /// <summary>Ticks a second of Opus' RTP clock (RFC 7587 §4.1).</summary>
    private const int SoundClock = 48_000;

    private readonly Dictionary<uint, int> _places = [];
    private Stream[] _streams = new Stream[4];
    private int _count;
    private int _last;
    private int _nextReport;

    /// <summary>Counts a packet.</summary>
    /// <param name="packet">The RTP packet, at least its twelve bytes.</param>
    /// <param name="window">The number of the window that is measured.</param>
    /// <param name="arrived">Ticks of 100 ns.</param>
    public void Count(ReadOnlySpan<byte> packet, int window, long arrived)
    {
        ref var stream = ref Find(BinaryPrimitives.ReadUInt32BigEndian(packet[8..]));
        var sequence = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (stream.Window != window)
        {
            Begin(ref stream, window, sequence);
        }

        var extended = stream.Highest + (short)(sequence - (ushort)stream.Highest);
        if (extended >= stream.First)
        {
            stream.Received++;
            stream.Highest = Math.Max(stream.Highest, extended);
        }

        // RFC 3550 §A.8. Packets of one frame share a time stamp and tell nothing.
        var timestamp = BinaryPrimitives.ReadUInt32BigEndian(packet[4..]);
        if (timestamp != stream.LastTimestamp)
        {
            var difference = Math.Abs(((arrived - stream.LastArrival) * stream.ClockRate / TimeSpan.TicksPerSecond) - (int)(timestamp - stream.LastTimestamp));
            if (stream.LastArrival != 0 && difference < 5 * stream.ClockRate)
            {
                stream.Jitter += (difference - stream.Jitter) / 16;
            }

            (stream.LastArrival, stream.LastTimestamp) = (arrived, timestamp);
        }
    }

    /// <summary>Streams that had packets in a window, those packets, and the packets that are missing between their first and last.</summary>
    public void Sum(int window, ref long streams, ref long expected, ref long received)
    {
        foreach (ref readonly var stream in _streams.AsSpan(0, _count))
        {
            if (stream.Window == window)
            {
                streams++;
                expected += stream.Highest - stream.First + 1;
                received += stream.Received;
            }
        }
    }

    /// <summary>Remembers a sender report for LSR and DLSR; of a stream that has had no packet it is of no use.</summary>
    public void OnSenderReport(uint ssrc, NtpTime ntp, long arrived)
    {
        if (_places.TryGetValue(ssrc, out var place))
        {
            (_streams[place].LastReport, _streams[place].LastReportArrival) = (ntp.Middle, arrived);
        }
    }

    /// <summary>
    /// Writes report blocks (RFC 3550 §6.4.1) of the streams that had packets since their last one, and begins their next interval;
    /// returns how many. Streams for which there is no room come first the next time.
    /// </summary>
    public int Report(Span<ReportBlock> blocks, long now)
    {
        var written = 0;
        for (var i = 0; i < _count && written < blocks.Length; i++)
        {
            _nextReport = _nextReport < _count ? _nextReport : 0;
            ref var stream = ref _streams[_nextReport++];
            var (expected, received) = stream.Totals;
            if (received > stream.ReportedReceived)
            {
                blocks[written++] = Block(ref stream, expected, received, now);
            }
        }

        return written;
    }

    /// <summary>Tells the clock of a stream whose time stamps are not those of sound.</summary>
    public void SetClock(uint ssrc, int rate) => Find(ssrc).ClockRate = rate;

    private static ReportBlock Block(ref Stream stream, long expected, long received, long now)
    {
        // RFC 3550 §A.3.
        var due = expected - stream.ReportedExpected;
        var lost = due - (received - stream.ReportedReceived);
        (stream.ReportedExpected, stream.ReportedReceived) = (expected, received);
        return new ReportBlock(
            new Ssrc(stream.Ssrc),
            due <= 0 || lost <= 0 ? (byte)0 : (byte)Math.Min(255, (lost << 8) / due),
            (int)Math.Clamp(expected - received, -0x80_0000, 0x7F_FFFF),
            (uint)stream.Highest,
            (uint)stream.Jitter,
            stream.LastReport,
            stream.LastReport == 0 ? 0 : (uint)((now - stream.LastReportArrival) * 65_536 / TimeSpan.TicksPerSecond));
    }

    /// <summary>A new window counts anew; what reports say goes on.</summary>
    private static void Begin(ref Stream stream, int window, ushort sequence)
    {
        var (expected, received) = stream.Totals;
        var isFirst = stream.Window < 0;
        var extended = isFirst ? sequence : stream.Highest + (short)(sequence - (ushort)stream.Highest);
        stream.ExpectedBefore = isFirst ? 0 : expected + Math.Max(0, extended - stream.Highest - 1);
        stream.ReceivedBefore = received;
        (stream.Window, stream.First, stream.Highest, stream.Received) = (window, extended, extended, 0);
    }

    private ref Stream Find(uint ssrc)
    {
        if (_last < _count && _streams[_last].Ssrc == ssrc)
        {
            return ref _streams[_last];
        }

        if (!_places.TryGetValue(ssrc, out var place))
        {
            if (_count == _streams.Length)
            {
                Array.Resize(ref _streams, 2 * _count);
            }

            place = _count++;
            _places.Add(ssrc, place);
            _streams[place] = new Stream { Ssrc = ssrc, Window = -1, ClockRate = SoundClock };
        }

        _last = place;
        return ref _streams[place];
    }

    private struct Stream
    {
        public uint Ssrc;
        public int Window;
        public long First;
        public long Highest;
        public long Received;
        public long ExpectedBefore;
        public long ReceivedBefore;
        public long ReportedExpected;
        public long ReportedReceived;
        public long LastArrival;
        public uint LastTimestamp;
        public int ClockRate;
        public double Jitter;
        public uint LastReport;
        public long LastReportArrival;

        /// <summary>Packets that should have come since the stream began, and those that came.</summary>
        public readonly (long Expected, long Received) Totals =>
            (ExpectedBefore + (Window < 0 ? 0 : Highest - First + 1), ReceivedBefore + Received);
    }
}
