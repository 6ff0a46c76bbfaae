using System.Text;
using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing;

/// <summary>One outgoing SSRC: its counters, its sender reports, and what the receiver says about it.</summary>
internal sealed class RtpStreamSender(Ssrc ssrc, int clockRate, string cname)
{
    private readonly byte[] _cname = Encoding.UTF8.GetBytes(cname.Length > 60 ? cname[..60] : cname);
    private uint _packets;
    private uint _octets;
    private uint _lastTimestamp;
    private long _lastSentAt;

    public Ssrc Ssrc { get; } = ssrc;

    public ReadOnlySpan<byte> Cname => _cname;

    public bool HasSent { get; private set; }

    /// <summary>Bytes of payload sent.</summary>
    public uint Octets => _octets;

    public uint LastTimestamp => _lastTimestamp;

    public long LastSentAt => _lastSentAt;

    /// <summary>µs; 0 before the first report that has LSR.</summary>
    public long RoundTrip { get; private set; }

    /// <summary>Of 256, by the receiver's last report.</summary>
    public byte FractionLost { get; private set; }

    public void OnSent(int payloadLength, uint timestamp, long now)
    {
        _packets++;
        _octets += (uint)payloadLength;
        if (!HasSent || (int)(timestamp - _lastTimestamp) > 0)
        {
            _lastTimestamp = timestamp;
            _lastSentAt = now;
        }

        HasSent = true;
    }

    /// <summary>
    /// Reports the instant <paramref name="now"/> in both clocks. With the source's own report the media clock is the
    /// sender's, so sound and picture of one sender stay together; before it, the last packet's time stamp carries on.
    /// </summary>
    public SenderReport Report(RtpStreamReceiver? source, SenderClock clock, uint timestampOffset, long unixTimeOffset, long now)
    {
        var wall = now + unixTimeOffset;
        var carriedOn = unchecked(_lastTimestamp + (uint)((now - _lastSentAt) * clockRate / 1_000_000));
        var timestamp = carriedOn;
        if (source is { HasSenderReport: true } && clock.HasOffset)
        {
            var mapped = unchecked(source.TimestampAt(wall - clock.Offset) + timestampOffset);

            // A sender whose reports contradict its packets by more than ten seconds is not believed.
            if (Math.Abs((long)(int)(mapped - carriedOn)) < clockRate * 10L)
            {
                timestamp = mapped;
            }
        }

        return new SenderReport(Ssrc, NtpTime.FromUnixMicroseconds(wall), timestamp, _packets, _octets);
    }

    /// <summary>Takes a report block about this stream (round trip: RFC 3550 §6.4.1).</summary>
    public void OnReportBlock(in ReportBlock block, long unixTimeOffset, long now)
    {
        FractionLost = block.FractionLost;
        if (block.LastSenderReport == 0)
        {
            return;
        }

        var elapsed = NtpTime.FromUnixMicroseconds(now + unixTimeOffset).Middle - block.LastSenderReport - block.DelaySinceLastSenderReport;

        // More than a minute means that the receiver's numbers are wrong, or a little negative.
        if (elapsed < 60 << 16)
        {
            RoundTrip = Math.Max(1, (long)elapsed * 1_000_000 >> 16);
        }
    }
}
