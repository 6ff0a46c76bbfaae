using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.LoadTest.Media;

/// <summary>
/// The RTCP that a client sends, as often as a browser: an SR for each stream that it sends, an RR of what it receives, a CNAME. It
/// asks for nothing again.
/// </summary>
internal sealed class ClientReports(bool video)
{
    /// <summary>Microseconds between two reports, spread by a half to both sides (RFC 3550 §6.2): Chromium's 5 s for sound, 1 s for video.</summary>
    private const long SoundInterval = 5_000_000;
    private const long VideoInterval = 1_000_000;

    /// <summary>Streams of one report (RFC 3550 §6.4.1).</summary>
    private const int MaxBlocks = 31;

    /// <summary>What clients that send nothing report as, as Chromium does.</summary>
    private static readonly Ssrc ReceiverOnly = new(1);

    [ThreadStatic]
    private static ReportBlock[]? _blocks;

    private readonly long _interval = video ? VideoInterval : SoundInterval;

    /// <summary>When the next is due; none before <see cref="Begin"/>.</summary>
    public long Due { get; private set; } = long.MaxValue;

    /// <summary>The link is connected: the first report comes within an interval.</summary>
    public void Begin(long now)
    {
        if (Due == long.MaxValue)
        {
            Due = now + Random.Shared.NextInt64(_interval);
        }
    }

    /// <summary>Writes what is due at <paramref name="now"/>; 0 bytes when there is nothing to say yet.</summary>
    public int Write(Span<byte> buffer, IReadOnlyList<PacketSource> sources, StreamMeter meter, long now)
    {
        Due = now + (_interval / 2) + Random.Shared.NextInt64(_interval);
        var writer = new RtcpWriter(buffer);
        var sender = ReceiverOnly;
        var unixTicks = MediaLoop.UnixTicks;
        for (var i = sources.Count - 1; i >= 0; i--)
        {
            var source = sources[i];
            if (source.PacketCount > 0)
            {
                sender = new Ssrc(source.Ssrc);
                writer.TryAddSenderReport(new SenderReport(
                    sender, NtpTime.FromUnixMicroseconds(unixTicks / TimeSpan.TicksPerMicrosecond), source.TimestampAt(now), source.PacketCount, source.OctetCount));
            }
        }

        var blocks = _blocks ??= new ReportBlock[MaxBlocks];
        var count = meter.Report(blocks, unixTicks);
        if (count > 0)
        {
            writer.TryAddReceiverReport(sender, blocks.AsSpan(0, count));
        }

        return writer.Length == 0 || !writer.TryAddCname(sender, "voicebench"u8) ? 0 : writer.Length;
    }
}
