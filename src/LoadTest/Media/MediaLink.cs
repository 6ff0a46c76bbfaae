using VoiceCluster.LoadTest.Interop.Linux;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Rtcp;

namespace VoiceCluster.LoadTest.Media;

/// <summary>One transport of a member on a UDP socket of its own. A <see cref="MediaLoop"/>'s thread owns it once it is added.</summary>
internal abstract unsafe class MediaLink : IRtpSink, ISwept<MediaLink>, IDisposable
{
    /// <summary>Bytes that the kernel keeps for a socket between two sweeps: a thousand packets of sound and more.</summary>
    private const int ReceiveBuffer = 1 << 20;

    /// <summary>Messages that a sweep should find: enough that the call costs little of each, few enough that they are still in the cache.</summary>
    private const int SweepTarget = 16;

    /// <summary>Microseconds between two sweeps of a link of which key frames may be asked, or which receives a lot.</summary>
    private const long ShortSweep = 20_000;

    private readonly MediaLoop _loop;
    private readonly UdpPort _port;
    private readonly StreamMeter _meter = new();
    private readonly List<PacketSource> _sources = [];
    private readonly ClientReports _reports;
    private long _sweepLimit;
    private long _sweepPeriod = ShortSweep;
    private long _arrivedAt;
    private bool _arrivalIsKernels;

    /// <summary>Opens a socket towards an address of the server.</summary>
    protected MediaLink(MediaLoop loop, in TransportAddress server)
    {
        _loop = loop;
        Server = server;
        _reports = new ClientReports(loop.Options.Video);
        _port = new UdpPort(server, ReceiveBuffer, loop.IsStamped, loop.Options.Gro);
        _sweepLimit = loop.LongestSweep;
    }

    /// <summary>The socket.</summary>
    public int Descriptor => _port.Descriptor;

    /// <summary>True once it is disposed of: a loop may still have it in its plans.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Tells the clock of a received stream that is not sound.</summary>
    public Task SetClockAsync(uint ssrc, int rate) => _loop.InvokeAsync(() => _meter.SetClock(ssrc, rate));

    /// <summary>True once media can flow.</summary>
    public abstract bool IsConnected { get; }

    /// <summary>The server's end.</summary>
    protected TransportAddress Server { get; }

    /// <summary>The address of this end, as the system chose it.</summary>
    public TransportAddress Local => _port.Local;

    /// <summary>Packets that SRTP refused, or that are of no use.</summary>
    protected abstract long PacketsRefused { get; }

    /// <summary>When <see cref="Advance"/> is due.</summary>
    public long Due { get; private set; }

    /// <summary>What it receives.</summary>
    public StreamMeter Meter => _meter;

    /// <inheritdoc/>
    public long SweepAt { get; private set; }

    /// <inheritdoc/>
    public MediaLink? NextOfPlace { get; set; }

    /// <summary>Key frames asked of this link are for this source too.</summary>
    public void Add(PacketSource source)
    {
        _sources.Add(source);
        if (source.IsVideo)
        {
            _sweepLimit = Math.Min(_sweepLimit, ShortSweep);
        }
    }

    /// <summary>Runs the protocol's timers and those of the reports.</summary>
    public void Advance(long now)
    {
        var due = AdvanceProtocol(now);
        if (IsConnected)
        {
            _reports.Begin(now);
            if (_reports.Due <= now)
            {
                SendReport(now);
            }
        }

        Due = Math.Min(due, _reports.Due);
    }

    /// <summary>Takes all datagrams that are there; returns how many messages.</summary>
    public int Sweep(ReceiveBatch batch, long now)
    {
        var sum = 0;
        int count;
        do
        {
            count = batch.Receive(_port.Descriptor);
            var read = _loop.IsStamped || count == 0 ? 0 : MediaLoop.UnixTicks;
            for (var i = 0; i < count; i++)
            {
                var data = batch.Take(i, out _arrivedAt, out var segment);
                _arrivalIsKernels = _arrivedAt != 0;
                _arrivedAt = _arrivalIsKernels ? _arrivedAt : read != 0 ? read : MediaLoop.UnixTicks;
                for (; data.Length > segment && segment > 0; data = data[segment..])
                {
                    Receive(data[..segment], now);
                }

                Receive(data, now);
            }

            sum += count;
        }
        while (count == batch.Size);
        return sum;
    }

    /// <summary>Says when to look again, by how many messages there were: as rarely as the packets' places in the cache allow.</summary>
    public void PlanSweep(int found, long now)
    {
        var period = Math.Clamp(_sweepPeriod * SweepTarget / Math.Max(1, found), Math.Min(ShortSweep, _sweepLimit), _sweepLimit);
        _sweepPeriod = period;

        // By the plan and not by the clock, so that links stay as spread as they were when the thread was late.
        SweepAt = SweepAt + period > now + _loop.SweepStep ? SweepAt + period : now + period;
    }

    /// <inheritdoc/>
    public void SendRtp(ReadOnlySpan<byte> packet)
    {
        if (TrySendRtp(packet))
        {
            _loop.Figures.Sent++;
        }
    }

    /// <summary>Says goodbye and frees the socket.</summary>
    public void Dispose()
    {
        IsClosed = true;
        _loop.Figures.Refused += PacketsRefused;
        _loop.Figures.Keep(_meter);
        CloseProtocol();
        _port.Dispose();
    }

    /// <summary>The loop's buffer for one datagram.</summary>
    protected Span<byte> SendBuffer => new(_loop.SendBuffer, Datagram.MaxSize);

    /// <summary>Runs what is due; returns when to call again.</summary>
    protected abstract long AdvanceProtocol(long now);

    /// <summary>Takes one datagram of the server; the span may be decrypted in place.</summary>
    protected abstract void Receive(Span<byte> datagram, long now);

    /// <summary>Protects and sends an RTP packet; false when that cannot be.</summary>
    protected abstract bool TrySendRtp(ReadOnlySpan<byte> packet);

    /// <summary>The same with RTCP.</summary>
    protected abstract bool TrySendRtcp(ReadOnlySpan<byte> packet);

    /// <summary>Says goodbye where the protocol has a word for it, and frees its keys.</summary>
    protected abstract void CloseProtocol();

    /// <summary>Sends the first bytes of <see cref="SendBuffer"/>.</summary>
    protected void SendDatagram(int length)
    {
        if (!_port.Send(_loop.SendBuffer, length))
        {
            _loop.Figures.SendFailures++;
        }
    }

    /// <summary>Counts an RTP packet.</summary>
    public void OnRtp(ReadOnlySpan<byte> packet, long now)
    {
        var figures = _loop.Figures;
        figures.Received++;
        figures.ReceivedBytes += packet.Length;
        _meter.Count(packet, figures.Window, _arrivedAt);
        if ((packet[0] & 0x20) != 0 && packet[^1] < packet.Length)
        {
            // RFC 3550 §5.1: the last byte counts the bytes of padding.
            packet = packet[..^packet[^1]];
        }

        if (PacketSource.TryReadTime(packet, out var sent))
        {
            figures.Latency.Add(_arrivedAt - sent);
            if (_arrivalIsKernels)
            {
                figures.ArrivalsByKernel++;
            }
            else
            {
                figures.ArrivalsByProgram++;
            }
        }
    }

    /// <summary>Takes reports and requests for key frames.</summary>
    public void OnRtcp(ReadOnlySpan<byte> packet, long now)
    {
        var reader = new RtcpReader(packet);
        while (reader.MoveNext())
        {
            var part = reader.Current;
            if (part.Type == RtcpType.PayloadFeedback && part.Count is PayloadFeedbackFormat.PictureLoss or PayloadFeedbackFormat.FullIntra)
            {
                foreach (var source in _sources)
                {
                    source.RequestKeyFrame();
                }
            }
            else if (SenderReport.TryRead(part, out var report))
            {
                _meter.OnSenderReport(report.Ssrc.Value, report.Ntp, _arrivedAt);
            }
        }
    }

    private void SendReport(long now)
    {
        Span<byte> buffer = stackalloc byte[RtcpWriter.MaxLength];
        var length = _reports.Write(buffer, _sources, _meter, now);
        if (length > 0 && TrySendRtcp(buffer[..length]))
        {
            _loop.Figures.ReportsSent++;
        }
    }
}
