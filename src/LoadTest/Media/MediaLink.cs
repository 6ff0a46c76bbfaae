using VoiceCluster.LoadTest.Interop.Linux;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Ice;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.LoadTest.Media;

/// <summary>One WebRTC transport of a member on a UDP socket of its own. A <see cref="MediaLoop"/>'s thread owns it once it is added.</summary>
internal sealed unsafe class MediaLink : IDatagramSink, IWebRtcClientListener, IRtpSink, ISwept<MediaLink>, IDisposable
{
    /// <summary>Bytes that the kernel keeps for a socket between two sweeps: a thousand packets of sound and more.</summary>
    private const int ReceiveBuffer = 1 << 20;

    /// <summary>Messages that a sweep should find: enough that the call costs little of each, few enough that they are still in the cache.</summary>
    private const int SweepTarget = 16;

    /// <summary>Microseconds between two sweeps of a link of which key frames may be asked, or which receives a lot.</summary>
    private const long ShortSweep = 20_000;

    private readonly MediaLoop _loop;
    private readonly UdpPort _port;
    private readonly TransportAddress _server;
    private readonly WebRtcClient _client;
    private readonly TaskCompletionSource<long> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StreamMeter _meter = new();
    private readonly List<PacketSource> _sources = [];
    private readonly ClientReports _reports;
    private readonly long _begun = MediaLoop.Now;
    private long _sweepLimit;
    private long _sweepPeriod = ShortSweep;
    private long _arrivedAt;
    private bool _arrivalIsKernels;

    /// <summary>Opens a socket towards the transport that the server has described.</summary>
    public MediaLink(MediaLoop loop, DtlsContext certificate, RemoteTransport remote, IceCredentials? own = null)
    {
        _loop = loop;
        _server = remote.Address;
        _reports = new ClientReports(loop.Options.Video);
        _port = new UdpPort(_server, ReceiveBuffer, loop.IsStamped, loop.Options.Gro);
        _sweepLimit = loop.LongestSweep;
        _client = new WebRtcClient(certificate, remote, this, this, _begun, local: own);
    }

    /// <summary>The socket.</summary>
    public int Descriptor => _port.Descriptor;

    /// <summary>True once it is disposed of: a loop may still have it in its plans.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Tells the clock of a received stream that is not sound.</summary>
    public Task SetClockAsync(uint ssrc, int rate) => _loop.InvokeAsync(() => _meter.SetClock(ssrc, rate));

    /// <summary>True once media can flow.</summary>
    public bool IsConnected => _client.IsConnected;

    /// <summary>Microseconds from its making to the end of the DTLS handshake.</summary>
    public Task<long> Connected => _connected.Task;

    /// <summary>When <see cref="Advance"/> is due.</summary>
    public long Due { get; private set; }

    /// <summary>What it receives.</summary>
    public StreamMeter Meter => _meter;

    /// <summary>mediasoup's dtlsParameters for connect-transport.</summary>
    public string DtlsParametersJson =>
        $$"""{"role":"client","fingerprints":[{"algorithm":"{{_client.DtlsParameters.Fingerprint.Algorithm}}","value":"{{_client.DtlsParameters.Fingerprint.Value}}"}]}""";

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

    /// <summary>Runs the timers of ICE, DTLS and the reports.</summary>
    public void Advance(long now)
    {
        var due = _client.Advance(now);
        if (_client.IsConnected)
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
                    _client.Receive(data[..segment], _server, now);
                }

                _client.Receive(data, _server, now);
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
        if (_client.SendRtp(packet))
        {
            _loop.Figures.Sent++;
        }
    }

    /// <inheritdoc/>
    public Span<byte> Rent() => new(_loop.SendBuffer, Datagram.MaxSize);

    /// <inheritdoc/>
    public void Send(int length, in TransportAddress destination)
    {
        if (!_port.Send(_loop.SendBuffer, length))
        {
            _loop.Figures.SendFailures++;
        }
    }

    /// <inheritdoc/>
    public void OnDtls(DtlsEventKind kind)
    {
        if (kind == DtlsEventKind.Connected)
        {
            _connected.TrySetResult(MediaLoop.Now - _begun);
        }
        else
        {
            _connected.TrySetException(new IOException($"DTLS did not stay connected: {kind}."));
        }
    }

    /// <inheritdoc/>
    public void OnRtp(ReadOnlySpan<byte> packet, long now)
    {
        var figures = _loop.Figures;
        figures.Received++;
        figures.ReceivedBytes += packet.Length;
        _meter.Count(packet, figures.Window, _arrivedAt);
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

    /// <inheritdoc/>
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
        if (length > 0 && _client.SendRtcp(buffer[..length]))
        {
            _loop.Figures.ReportsSent++;
        }
    }

    /// <summary>Says close_notify and frees the socket.</summary>
    public void Dispose()
    {
        IsClosed = true;
        _loop.Figures.Refused += _client.PacketsRefused;
        _loop.Figures.Keep(_meter);
        _client.Close();
        _client.Dispose();
        _port.Dispose();
        _connected.TrySetException(new ObjectDisposedException(nameof(MediaLink)));
        _ = _connected.Task.Exception;
    }
}
