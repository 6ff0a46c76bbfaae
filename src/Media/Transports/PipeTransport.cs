using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Transports;

/// <summary>
/// A router's way to the router of the same room on another media node (mediasoup's PipeTransport): SRTP from port to port of
/// the workers, keys by signalling. Many pipes share one pair of ports: the worker finds a packet's pipe by its source address
/// and its SSRC, which the sending worker gives once. Nothing but empty reports is sent until the other end has proved with an
/// authentic packet from the signalled address that it is there, nor when it has been silent.
/// </summary>
public sealed class PipeTransport : RouterPipe, IWorkerTransport
{
    /// <summary>µs between two signs of life while the other end has given none.</summary>
    private const long HelloEvery = 100_000;

    /// <summary>µs between two signs of life afterwards.</summary>
    private const long KeepAliveEvery = 1_000_000;

    /// <summary>µs without an authentic packet after which the other end counts as gone.</summary>
    internal const long SilenceBeforeUnbound = 5_000_000;

    private readonly MediaWorker _worker;
    private SrtpSender? _sender;
    private SrtpReceiver? _receiver;
    private long _lastAuthentic;
    private long _nextSignOfLife;

    internal PipeTransport(MediaWorker worker, Router router, string id, string cryptoSuite, bool enableRtx)
        : base(worker, router, id, enableRtx)
    {
        _worker = worker;
        SrtpParameters = SrtpParameters.Create(cryptoSuite);
        Timer = new PipeTimer(this);
    }

    /// <summary>The address of the worker's port as other nodes reach it.</summary>
    public TransportAddress LocalAddress => _worker.Options.PipeAddress ?? _worker.Options.Announced[0];

    /// <summary>The key with which this end sends.</summary>
    public SrtpParameters SrtpParameters { get; }

    /// <summary>Where the other end is, once <see cref="Connect"/> was told.</summary>
    public TransportAddress? RemoteAddress { get; private set; }

    /// <summary>The SSRC of the other end's feedback.</summary>
    public uint RemoteRtcpSsrc { get; private set; }

    /// <summary>Whether the other end has proved that it is there, and has not been silent since.</summary>
    public bool IsBound { get; private set; }

    int IWorkerTransport.Index { get; set; }

    Timed IWorkerTransport.Timer => Timer;

    internal Timed Timer { get; }

    /// <summary>Tells where the other end is, with what key it sends and which SSRC its feedback has. Null means done.</summary>
    public string? Connect(in TransportAddress remote, SrtpParameters parameters, uint remoteRtcpSsrc, long now)
    {
        if (IsClosed || RemoteAddress is not null)
        {
            return IsClosed ? "The pipe is closed." : "The pipe was connected before.";
        }

        if (!remote.IsReachable)
        {
            return "The other end's port must not be 0.";
        }

        if (!parameters.TryRead(out var profile, out var theirs) || !SrtpParameters.TryRead(out var ownProfile, out var ours) || profile != ownProfile)
        {
            return $"srtpParameters must be a key of {SrtpParameters.CryptoSuite}, as this end has.";
        }

        if (!_worker.TryMapPipe(remote, remoteRtcpSsrc, this))
        {
            return "Another pipe with the same address has the same SSRC.";
        }

        RemoteAddress = remote;
        RemoteRtcpSsrc = remoteRtcpSsrc;
        var length = profile.KeyLength();
        _sender = new SrtpSender(profile, ours.AsSpan(0, length), ours.AsSpan(length));

        // Streams come and go with their producers for as long as the room lives, and only the other end can open them.
        _receiver = new SrtpReceiver(profile, theirs.AsSpan(0, length), theirs.AsSpan(length), SrtpSender.MaxStreams);
        foreach (var producer in Producers)
        {
            MapStreams(producer);
        }

        SendSignOfLife(now);
        _worker.RunSoon(Timer, now);
        return null;
    }

    private protected override bool Carries(Producer producer) => producer.Transport is not PipeTransport;

    /// <inheritdoc/>
    public override MediaResult<Producer> Produce(string id, MediaKind kind, RtpParameters parameters, bool paused, long now, string? owner = null)
    {
        foreach (var ssrc in SsrcsOf(parameters))
        {
            if (RemoteAddress is { } remote && _worker.FindPipe(remote, ssrc) is { } other)
            {
                return MediaResult<Producer>.Refuse(MediaFault.Conflict, other == this ? $"SSRC {ssrc} is taken." : $"SSRC {ssrc} is taken by another pipe.");
            }
        }

        var produced = base.Produce(id, kind, parameters, paused, now, owner);
        if (produced.IsOk)
        {
            MapStreams(produced.Value);
        }

        return produced;
    }

    /// <inheritdoc/>
    public override void Close(long now)
    {
        if (IsClosed)
        {
            return;
        }

        base.Close(now);
        if (RemoteAddress is { } remote)
        {
            _worker.UnmapPipe(remote, RemoteRtcpSsrc, this);
        }

        _worker.Forget(this);
        _sender?.Dispose();
        _receiver?.Dispose();
        (_sender, _receiver) = (null, null);
        IsBound = false;
    }

    internal void ReceiveSrtp(Span<byte> datagram, long now)
    {
        var dropped = _receiver!.UnprotectRtp(datagram, out var length);
        if (dropped != DropReason.None)
        {
            Stats.CountDrop(dropped);
            return;
        }

        OnAuthentic(now);
        ReceiveRtp(datagram[..length], now);
    }

    internal void ReceiveSrtcp(Span<byte> datagram, long now)
    {
        var dropped = _receiver!.UnprotectRtcp(datagram, out var length);
        if (dropped != DropReason.None)
        {
            Stats.CountDrop(dropped);
            return;
        }

        OnAuthentic(now);
        ReceiveRtcp(datagram[..length], now);
    }

    internal override void OnProducerClosed(Producer producer)
    {
        base.OnProducerClosed(producer);
        if (RemoteAddress is { } remote)
        {
            foreach (var ssrc in SsrcsOf(producer.RtpParameters))
            {
                _worker.UnmapPipe(remote, ssrc, this);
            }
        }
    }

    /// <inheritdoc/>
    protected internal override Span<byte> RentPacket() => IsBound ? _worker.Sink.Rent() : [];

    /// <inheritdoc/>
    protected internal override void CommitRtp(int length, long now) => Send(_sender!.ProtectRtp(_worker.Sink.Rent(), length));

    /// <inheritdoc/>
    protected internal override void CommitRtcp(int length, long now) => Send(_sender!.ProtectRtcp(_worker.Sink.Rent(), length));

    private void MapStreams(Producer producer)
    {
        if (RemoteAddress is { } remote)
        {
            foreach (var ssrc in SsrcsOf(producer.RtpParameters))
            {
                _worker.TryMapPipe(remote, ssrc, this);
            }
        }
    }

    private void Send(int length)
    {
        if (length < 0)
        {
            Stats.CountDrop(DropReason.SendFailed);
            return;
        }

        _worker.Sink.Send(length, RemoteAddress!.Value);
    }

    private void OnAuthentic(long now)
    {
        _lastAuthentic = now;
        if (!IsBound)
        {
            // The other end knows that we are here as soon as it has this, and need not wait for our next.
            IsBound = true;
            SendSignOfLife(now);
            OnConnected(now);
            _worker.RunSoon(Timer, now);
        }
    }

    private void SendSignOfLife(long now)
    {
        // RFC 3550 §6.4.2: a receiver report without blocks. It is all that goes to an address that has not proved itself.
        var isBound = IsBound;
        IsBound = true;
        SendEmptyReport(now);
        IsBound = isBound;
        _nextSignOfLife = now + (isBound ? KeepAliveEvery : HelloEvery);
    }

    private long RunTimers(long now)
    {
        if (IsClosed || RemoteAddress is null)
        {
            return long.MaxValue;
        }

        if (IsBound && now - _lastAuthentic >= SilenceBeforeUnbound)
        {
            IsBound = false;
        }

        if (now >= _nextSignOfLife)
        {
            SendSignOfLife(now);
        }

        return IsBound ? Math.Min(base.Advance(now), _nextSignOfLife) : _nextSignOfLife;
    }

    private sealed class PipeTimer(PipeTransport pipe) : Timed
    {
        internal override long Run(long now) => pipe.RunTimers(now);
    }
}
