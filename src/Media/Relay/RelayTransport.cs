using System.Security.Cryptography;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Relay;

/// <summary>
/// A native client's way into a router, over the relay port: its packets become a producer's RTP, and what its consumers
/// send becomes relay packets. Opus passes untouched. It belongs to one <see cref="MediaWorker"/> and runs on its thread only.
/// The way of a packet: 1. its address must be the proved one; 2. decrypt; 3. neither replayed nor expired; 4. by its type.
/// Sending is in the other part.
/// </summary>
public sealed partial class RelayTransport : Transport, IWorkerTransport
{
    /// <summary>The SSRC of a relay client's one producer: there is nobody to collide with in a transport of its own.</summary>
    public const uint ProducerSsrc = 1;

    /// <summary>The router's payload type of Opus.</summary>
    internal static readonly byte OpusPayloadType =
        (byte)Array.Find(Router.RtpCapabilities.Codecs, c => c.Kind == Routing.Parameters.MediaKind.Audio)!.PreferredPayloadType!.Value;

    /// <summary>Frames of silence put in where the client stops speaking, lest receivers conceal a loss.</summary>
    private const int SilentFrames = 5;

    /// <summary>Bytes of the longest Ping that is answered.</summary>
    private const int MaxPing = 64;

    private readonly MediaWorker _worker;
    private readonly IRelayTransportListener _listener;
    private readonly RelaySettings _settings;
    private readonly byte[] _session;
    private readonly byte[] _key;
    private RelayCipher? _cipher;
    private ReplayWindow _window;
    private RelayTimeline _timeline;
    private TransportAddress _address;
    private bool _isEncrypted;
    private bool _hasStarted;
    private ulong _startedAt;
    private ulong _controlAt;
    private ulong _newest;
    private long _lastHeard;
    private ushort _shift;
    private bool _speaks;

    internal RelayTransport(MediaWorker worker, Router router, RelayCredentials credentials, IRelayTransportListener listener)
        : base(router, credentials.Id)
    {
        _worker = worker;
        _listener = listener;
        _settings = worker.Options.Relay;
        _session = credentials.Session;
        _key = credentials.Key;
        _bitrate = new RelayBitrate(_settings.MinBitrate, _settings.MaxBitrate);
        Identity = credentials.Identity;
        Timer = new RelayTimer(this);
    }

    /// <summary>Whose packets it takes.</summary>
    public RelayIdentity Identity { get; }

    /// <summary>Whether an address is proved.</summary>
    public RelayTransportState State { get; private set; }

    /// <summary>The proved address; null while there is none.</summary>
    public TransportAddress? RemoteAddress => State == RelayTransportState.Connected ? _address : null;

    internal Timed Timer { get; }

    int IWorkerTransport.Index { get; set; }

    Timed IWorkerTransport.Timer => Timer;

    /// <summary>Takes one datagram whose header names this transport; it is decrypted in place. None when it was of use.</summary>
    internal DropReason Receive(Span<byte> datagram, in RelayHeader header, in TransportAddress from, long now)
    {
        if (header.Type == RelayPacketType.AudioStart)
        {
            return Start(datagram, header, from, now);
        }

        // :: Step 1
        if (State != RelayTransportState.Connected)
        {
            return DropReason.RelayUnproved;
        }

        if (from != _address)
        {
            return DropReason.RelayAddress;
        }

        // :: Step 2
        if (header.IsEncrypted != _isEncrypted)
        {
            return DropReason.RelayAuthentication;
        }

        if (header.IsEncrypted)
        {
            if (!_cipher!.TryOpen(datagram, out var length))
            {
                return DropReason.RelayAuthentication;
            }

            datagram = datagram[..length];
        }

        // :: Step 3. What is older than the last start belongs to an earlier series of numbers.
        if (header.Timestamp < _startedAt)
        {
            return DropReason.RelayReplay;
        }

        if (header.Type is not (RelayPacketType.Audio or RelayPacketType.Silence))
        {
            return Control(datagram, header, now);
        }

        if (!_window.IsFresh(header.Sequence))
        {
            return DropReason.RelayReplay;
        }

        _lastHeard = now;
        if (_newest > header.Timestamp && _newest - header.Timestamp > (ulong)_settings.MaxAge)
        {
            _window.Commit(header.Sequence);
            return DropReason.RelayExpired;
        }

        // :: Step 4
        var payload = datagram[RelayHeader.Length..];
        var samples = Opus.FrameDuration;
        if (header.Type == RelayPacketType.Audio && (!header.IsPlausibleAudio || !Opus.TryGetSamples(payload, out samples)))
        {
            return DropReason.RelayMalformed;
        }

        _window.Commit(header.Sequence);
        _newest = Math.Max(_newest, header.Timestamp);
        Produce(datagram, header, samples, now);
        return DropReason.None;
    }

    /// <inheritdoc/>
    public override void Close(long now)
    {
        if (IsClosed)
        {
            return;
        }

        base.Close(now);
        _worker.Forget(this);
        _cipher?.Dispose();
        CryptographicOperations.ZeroMemory(_key);
        CryptographicOperations.ZeroMemory(_session);
        SetState(RelayTransportState.Closed);
    }

    /// <summary>The proof: whoever knows the session is believed, at the address from which he says so.</summary>
    private DropReason Start(Span<byte> datagram, in RelayHeader header, in TransportAddress from, long now)
    {
        if (header.IsEncrypted)
        {
            _cipher ??= new RelayCipher(_key, isServer: true);
            if (!_cipher.TryOpen(datagram, out var length))
            {
                return DropReason.RelayAuthentication;
            }

            datagram = datagram[..length];
        }
        else if (_isEncrypted)
        {
            // Once encrypted, always: a session that was overheard in the clear is worth nothing.
            return DropReason.RelayAuthentication;
        }

        if (!CryptographicOperations.FixedTimeEquals(datagram[RelayHeader.Length..], _session))
        {
            return DropReason.RelaySession;
        }

        // A start that was recorded must not take the stream elsewhere: it has to be newer than all that came.
        if (_hasStarted && (header.Timestamp <= _newest || header.Timestamp <= _controlAt))
        {
            return DropReason.RelayReplay;
        }

        if (_hasStarted && !_window.IsFresh(header.Sequence))
        {
            // A client that began anew: what it sends goes on where it was, and nothing older than this start is taken any more.
            _shift = unchecked((ushort)(_window.Highest + _shift + 1 - header.Sequence));
            _timeline.Renumber(header.Sequence);
            _window = default;
        }

        _hasStarted = true;
        _isEncrypted = header.IsEncrypted;
        _startedAt = _controlAt = _newest = header.Timestamp;
        _address = from;
        _lastHeard = now;
        _timeline.Pause();
        SetState(RelayTransportState.Connected);
        SendControl(RelayPacketType.Pong, datagram[..0], now);
        OnConnected(now);
        _worker.RunSoon(Timer, now);
        return DropReason.None;
    }

    private DropReason Control(ReadOnlySpan<byte> datagram, in RelayHeader header, long now)
    {
        if (header.Timestamp <= _controlAt)
        {
            return DropReason.RelayReplay;
        }

        var payload = datagram[RelayHeader.Length..];
        switch (header.Type)
        {
            case RelayPacketType.AudioStop:
                StopSpeaking(now);
                break;
            case RelayPacketType.Ping when payload.Length <= MaxPing:
                NoteLoss(payload, now);
                SendControl(RelayPacketType.Pong, payload, now);
                break;
            case RelayPacketType.Pong:
                NotePong(payload, now);
                break;
            default:
                return DropReason.RelayMalformed;
        }

        _controlAt = header.Timestamp;
        _lastHeard = now;
        return DropReason.None;
    }

    /// <summary>Makes RTP of the packet where it lies: the RTP header ends where the relay header ended.</summary>
    private void Produce(Span<byte> datagram, in RelayHeader header, int samples, long now)
    {
        var timestamp = _timeline.Map(header.Sequence, header.Timestamp, samples, out var begins);
        var sequence = unchecked((ushort)(header.Sequence + _shift));
        if (header.Type == RelayPacketType.Audio)
        {
            _speaks = true;
            var packet = datagram[(RelayHeader.Length - RtpLength)..];
            WriteRtp(packet, sequence, timestamp, begins);
            ReceiveRtp(packet, now);
            return;
        }

        _speaks = false;
        _timeline.Pause();
        ReceiveSilence(sequence, timestamp, now);
    }

    private void StopSpeaking(long now)
    {
        if (!_speaks)
        {
            return;
        }

        _speaks = false;
        for (var i = 0; i < SilentFrames; i++)
        {
            ReceiveSilence(unchecked((ushort)(_window.Highest + ++_shift)), _timeline.Insert(Opus.FrameDuration), now);
        }

        _timeline.Pause();
    }

    private void ReceiveSilence(ushort sequence, uint timestamp, long now)
    {
        Span<byte> silence = stackalloc byte[RtpLength + 3];
        WriteRtp(silence, sequence, timestamp, begins: false);
        Opus.Silence.CopyTo(silence[RtpLength..]);
        ReceiveRtp(silence, now);
    }

    private long RunTimers(long now)
    {
        if (IsClosed)
        {
            return long.MaxValue;
        }

        var next = Advance(now);
        if (State != RelayTransportState.Connected)
        {
            return next;
        }

        if (now - _lastHeard >= _settings.Silence)
        {
            // As consent in ICE: who is silent for so long may be gone, and his address another's.
            _worker.Stats.ConsentExpired++;
            SetState(RelayTransportState.Disconnected);
            return next;
        }

        return Math.Min(Math.Min(next, _lastHeard + _settings.Silence), SendDue(now));
    }

    private void SetState(RelayTransportState state)
    {
        if (State != state)
        {
            State = state;
            _listener.OnStateChanged(this, state);
        }
    }

    private sealed class RelayTimer(RelayTransport transport) : Timed
    {
        internal override long Run(long now) => transport.RunTimers(now);
    }
}
