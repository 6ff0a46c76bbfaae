using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VoiceCluster.Media.Interop.OpenSsl;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Media.Dtls;

/// <summary>
/// One DTLS 1.2 association over OpenSSL and memory BIOs. Feed datagrams that come from an ICE-validated tuple,
/// then drain <see cref="TakeDatagram"/> and <see cref="TryTakeEvent"/>. One thread at a time.
/// Whatever comes unauthenticated can at worst end one attempt: a server then waits for the next ClientHello.
/// </summary>
public sealed unsafe class DtlsConnection : IDisposable
{
    /// <summary>Bytes of the largest datagram made.</summary>
    public const int MaxDatagram = 1200;

    /// <summary>Events kept for a caller that does not drain; only repeated failures can reach it.</summary>
    private const int MaxEvents = 16;

    /// <summary>The longest retransmission timeout in microseconds. RFC 6347 §4.2.4.1 allows up to 60 s; a call cannot wait that long.</summary>
    private const uint MaxRetransmit = 2_000_000;

    private readonly DtlsContext _context;
    private readonly Queue<DtlsEventKind> _events = new();
    private readonly byte[] _clientRandom = new byte[32];
    private DtlsFingerprint? _remote;
    private byte[]? _peerCertificate;
    private nint _ssl;
    private nint _in;
    private nint _out;
    private byte[] _pending = [];
    private int _pendingStart;
    private int _pendingEnd;
    private bool _helloSeen;
    private bool _handshakeDone;

    /// <param name="context">Certificate and profiles.</param>
    /// <param name="role">A client has its ClientHello ready at once.</param>
    /// <param name="now">Microseconds.</param>
    /// <param name="remoteFingerprint">What the peer signalled, or null to give it by <see cref="SetRemoteFingerprint"/>; until then the state does not pass <see cref="DtlsState.Connecting"/>.</param>
    public DtlsConnection(DtlsContext context, DtlsRole role, long now, DtlsFingerprint? remoteFingerprint = null)
    {
        _context = context;
        _remote = remoteFingerprint;
        Role = role;
        Open();
        if (role == DtlsRole.Client)
        {
            Advance(now);
        }
    }

    ~DtlsConnection() => Free();

    /// <summary>The present state.</summary>
    public DtlsState State { get; private set; }

    /// <summary>The role given.</summary>
    public DtlsRole Role { get; }

    /// <summary>The profile agreed upon, once connected.</summary>
    public SrtpProfile SrtpProfile { get; private set; }

    /// <summary>Handshake attempts that failed.</summary>
    public int FailedAttempts { get; private set; }

    /// <summary>What OpenSSL said of the last failed attempt; for logs.</summary>
    public string LastError { get; private set; } = string.Empty;

    /// <summary>When to call <see cref="HandleTimeout"/>; <see cref="long.MaxValue"/> for never.</summary>
    public long NextTimeout { get; private set; } = long.MaxValue;

    /// <summary>Gives the fingerprint that came by signalling; a handshake already done is checked at once.</summary>
    public void SetRemoteFingerprint(DtlsFingerprint fingerprint)
    {
        _remote = fingerprint;
        if (_handshakeDone && State == DtlsState.Connecting)
        {
            VerifyPeer();
        }
    }

    /// <summary>Takes one datagram. <see cref="DropReason.DtlsRejected"/> when no record of it was good enough for OpenSSL.</summary>
    public DropReason Receive(ReadOnlySpan<byte> datagram, long now)
    {
        if (State is DtlsState.Closed or DtlsState.Failed)
        {
            return DropReason.DtlsRejected;
        }

        var accepted = false;
        var rest = datagram;
        while (DtlsRecords.TryTake(ref rest, out var record))
        {
            if (!IsAcceptable(record))
            {
                continue;
            }

            accepted = true;
            fixed (byte* bytes = record.Bytes)
            {
                LibSsl.BIO_write(_in, bytes, record.Bytes.Length);
            }
        }

        if (!accepted)
        {
            return DropReason.DtlsRejected;
        }

        Advance(now);
        return DropReason.None;
    }

    /// <summary>Writes the next datagram to send; 0 when there is none. <paramref name="destination"/> takes <see cref="MaxDatagram"/> bytes at least.</summary>
    public int TakeDatagram(Span<byte> destination)
    {
        var waiting = _pending.AsSpan(_pendingStart, _pendingEnd - _pendingStart);
        if (waiting.IsEmpty)
        {
            return 0;
        }

        // OpenSSL keeps each record within the MTU, but a memory BIO hands back a whole flight in one piece.
        var length = DtlsRecords.FitDatagram(waiting, Math.Min(MaxDatagram, destination.Length));
        if (length == 0 || length > destination.Length)
        {
            _pendingStart = _pendingEnd = 0;
            return 0;
        }

        waiting[..length].CopyTo(destination);
        _pendingStart += length;
        if (_pendingStart == _pendingEnd)
        {
            // After the handshake there is hardly anything more to send.
            _pending = _handshakeDone ? [] : _pending;
            _pendingStart = _pendingEnd = 0;
        }

        return length;
    }

    /// <summary>
    /// Retransmits a flight whose answer did not come. OpenSSL measures the time by its own clock; when that
    /// is behind <paramref name="now"/>, nothing is sent and <see cref="NextTimeout"/> says when to come again.
    /// </summary>
    public void HandleTimeout(long now)
    {
        if (now < NextTimeout || State != DtlsState.Connecting || _handshakeDone)
        {
            return;
        }

        LibSsl.ERR_clear_error();
        if (LibSsl.SSL_ctrl(_ssl, LibSsl.CtrlHandleTimeout, 0, null) < 0)
        {
            // OpenSSL gives up after a dozen retransmissions (RFC 6347 leaves the number open).
            GiveUpAttempt(now, timedOut: true);
            return;
        }

        Drain(keepAlerts: false);
        ArmTimer(now);
    }

    /// <summary>Takes the next event, oldest first.</summary>
    public bool TryTakeEvent(out DtlsEventKind kind) => _events.TryDequeue(out kind);

    /// <summary>Makes the SRTP contexts of this association (RFC 5764 §4.2). Only when <see cref="State"/> is Connected.</summary>
    public (SrtpSender Sender, SrtpReceiver Receiver) CreateSrtp()
    {
        if (State != DtlsState.Connected)
        {
            throw new InvalidOperationException("SRTP keys exist only after the handshake.");
        }

        var key = SrtpProfile.KeyLength();
        var salt = SrtpProfile.SaltLength();
        Span<byte> material = stackalloc byte[2 * (key + salt)];
        ReadOnlySpan<byte> label = "EXTRACTOR-dtls_srtp"u8;
        fixed (byte* output = material)
        fixed (byte* name = label)
        {
            if (LibSsl.SSL_export_keying_material(_ssl, output, (nuint)material.Length, name, (nuint)label.Length, null, 0, 0) != 1)
            {
                throw new CryptographicException($"OpenSSL exported no SRTP keys: {LibSsl.TakeError()}");
            }
        }

        // RFC 5764 §4.2: client key, server key, client salt, server salt.
        ReadOnlySpan<byte> clientKey = material[..key], serverKey = material.Slice(key, key);
        ReadOnlySpan<byte> clientSalt = material.Slice(2 * key, salt), serverSalt = material.Slice((2 * key) + salt, salt);
        var result = Role == DtlsRole.Client
            ? (new SrtpSender(SrtpProfile, clientKey, clientSalt), new SrtpReceiver(SrtpProfile, serverKey, serverSalt))
            : (new SrtpSender(SrtpProfile, serverKey, serverSalt), new SrtpReceiver(SrtpProfile, clientKey, clientSalt));
        CryptographicOperations.ZeroMemory(material);
        return result;
    }

    /// <summary>Queues close_notify.</summary>
    public void Close()
    {
        if (State is DtlsState.Closed or DtlsState.Failed)
        {
            return;
        }

        if (_handshakeDone)
        {
            LibSsl.ERR_clear_error();
            LibSsl.SSL_alloc_buffers(_ssl);
            LibSsl.SSL_shutdown(_ssl);
            Drain(keepAlerts: true);
        }

        State = DtlsState.Closed;
        NextTimeout = long.MaxValue;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        State = State == DtlsState.Failed ? DtlsState.Failed : DtlsState.Closed;
        NextTimeout = long.MaxValue;
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>RFC 6347 §4.2.4.1 through OpenSSL: the first duration, then twice the last.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static uint NextDuration(nint ssl, uint last) =>
        last == 0 ? (uint)LibSsl.SSL_get_ex_data(ssl, 0) : Math.Min(2 * last, MaxRetransmit);

    /// <summary>What OpenSSL may see of what the network brings.</summary>
    private bool IsAcceptable(in DtlsRecord record)
    {
        if (record.Epoch != 0)
        {
            // Authenticated by its MAC, which OpenSSL checks; bad ones are dropped silently (RFC 6347 §4.1.2.7).
            return true;
        }

        if (_handshakeDone || record.Type is DtlsContentType.Alert or DtlsContentType.ApplicationData)
        {
            // A plaintext alert proves nothing, and must not end a handshake (RFC 6347 §4.1.2.7).
            return false;
        }

        if (record.Type != DtlsContentType.Handshake)
        {
            return true;
        }

        // Nothing is encrypted before epoch 1, so every plaintext fragment can be checked.
        if (!DtlsRecords.AreFragmentsSound(record.Body))
        {
            return false;
        }

        if (Role == DtlsRole.Server && DtlsRecords.TryGetClientRandom(record.Body, out var random))
        {
            NoteClientHello(random);
        }

        return true;
    }

    /// <summary>
    /// A ClientHello with another random begins another handshake. OpenSSL would ignore it until the first attempt times out,
    /// so that one forged hello would keep the true client out (CVE-2023-49786); here the newest wins.
    /// </summary>
    private void NoteClientHello(ReadOnlySpan<byte> random)
    {
        if (_helloSeen && !random.SequenceEqual(_clientRandom))
        {
            Free();
            Open();
        }

        _helloSeen = true;
        random.CopyTo(_clientRandom);
    }

    private void Advance(long now)
    {
        LibSsl.ERR_clear_error();
        if (!_handshakeDone)
        {
            var result = LibSsl.SSL_do_handshake(_ssl);
            if (result == 1)
            {
                _handshakeDone = true;
                NextTimeout = long.MaxValue;
                Drain(keepAlerts: true);
                VerifyPeer();
                FreeBuffers();
                return;
            }

            if (LibSsl.SSL_get_error(_ssl, result) is not (LibSsl.ErrorWantRead or LibSsl.ErrorWantWrite))
            {
                GiveUpAttempt(now, timedOut: false);
                return;
            }

            Drain(keepAlerts: false);
            ArmTimer(now);
            return;
        }

        ReadOn();
    }

    /// <summary>After the handshake: a repeated Finished makes OpenSSL repeat its own, close_notify closes, data channels are not spoken.</summary>
    private void ReadOn()
    {
        const int scratch = 2048;
        var buffer = stackalloc byte[scratch];
        int read;
        do
        {
            read = LibSsl.SSL_read(_ssl, buffer, scratch);
        }
        while (read > 0);

        Drain(keepAlerts: true);
        if ((LibSsl.SSL_get_shutdown(_ssl) & LibSsl.ReceivedShutdown) != 0)
        {
            State = DtlsState.Closed;
            Raise(DtlsEventKind.ClosedByPeer);
            return;
        }

        FreeBuffers();
    }

    /// <summary>
    /// OpenSSL keeps 18 kB to read and write records, which after the handshake are rare: a repeated flight, and the end. It makes
    /// them anew when it reads.
    /// </summary>
    private void FreeBuffers() => LibSsl.SSL_free_buffers(_ssl);

    private void VerifyPeer()
    {
        _peerCertificate ??= ReadPeerCertificate();
        if (_remote is not { } expected)
        {
            return;
        }

        if (_peerCertificate is null || !expected.Matches(_peerCertificate))
        {
            // RFC 8122 §6.2: the connection must be torn down.
            Close();
            Fail(DtlsEventKind.FingerprintMismatch);
            return;
        }

        var selected = LibSsl.SSL_get_selected_srtp_profile(_ssl);
        SrtpProfile = selected is null ? SrtpProfile.None : (SrtpProfile)selected->Id.Value;
        if (SrtpProfile == SrtpProfile.None)
        {
            Close();
            Fail(DtlsEventKind.NoSrtpProfile);
            return;
        }

        State = DtlsState.Connected;
        Raise(DtlsEventKind.Connected);
    }

    private byte[]? ReadPeerCertificate()
    {
        var certificate = LibSsl.SSL_get1_peer_certificate(_ssl);
        if (certificate == 0)
        {
            return null;
        }

        var der = new byte[Math.Max(0, LibSsl.i2d_X509(certificate, null))];
        fixed (byte* start = der)
        {
            var at = start;
            LibSsl.i2d_X509(certificate, &at);
        }

        LibSsl.X509_free(certificate);
        return der;
    }

    /// <summary>
    /// Ends an attempt, not the connection: a server begins anew. Its alert is not sent, because whoever caused the
    /// failure proved nothing and the alert would end the true client's handshake. A client has nobody to wait for.
    /// </summary>
    private void GiveUpAttempt(long now, bool timedOut)
    {
        FailedAttempts++;
        LastError = timedOut ? "handshake timed out" : LibSsl.TakeError();
        if (timedOut && Role == DtlsRole.Client)
        {
            Fail(DtlsEventKind.HandshakeTimedOut);
            return;
        }

        Raise(DtlsEventKind.HandshakeFailed);
        Free();
        Open();
        _pendingStart = _pendingEnd = 0;
        if (Role == DtlsRole.Client)
        {
            if (FailedAttempts >= MaxEvents)
            {
                Fail(DtlsEventKind.HandshakeTimedOut);
                return;
            }

            Advance(now);
        }
    }

    private void Fail(DtlsEventKind kind)
    {
        State = DtlsState.Failed;
        NextTimeout = long.MaxValue;
        Raise(kind);
    }

    private void Raise(DtlsEventKind kind)
    {
        if (_events.Count < MaxEvents || kind != DtlsEventKind.HandshakeFailed)
        {
            _events.Enqueue(kind);
        }
    }

    /// <summary>Takes over what OpenSSL remembers of its timer, which runs by its own clock.</summary>
    private void ArmTimer(long now)
    {
        var left = stackalloc long[2];
        NextTimeout = LibSsl.SSL_ctrl(_ssl, LibSsl.CtrlGetTimeout, 0, left) == 1
            ? now + Math.Max(1_000, TimevalMicroseconds(left))
            : long.MaxValue;
    }

    /// <summary>struct timeval: seconds and microseconds as C longs, which have 32 bits on Windows.</summary>
    private static long TimevalMicroseconds(long* value) =>
        sizeof(CLong) == 8 ? (value[0] * 1_000_000) + value[1] : (((int*)value)[0] * 1_000_000L) + ((int*)value)[1];

    /// <summary>Moves what OpenSSL wrote behind what still waits. Plaintext alerts are left out unless wanted.</summary>
    private void Drain(bool keepAlerts)
    {
        var count = (int)LibSsl.BIO_ctrl_pending(_out);
        if (count == 0)
        {
            return;
        }

        if (_pending.Length - _pendingEnd < count)
        {
            Array.Resize(ref _pending, Math.Max(2 * _pending.Length, _pendingEnd + count));
        }

        fixed (byte* at = &_pending[_pendingEnd])
        {
            count = Math.Max(0, LibSsl.BIO_read(_out, at, count));
        }

        _pendingEnd += keepAlerts ? count : WithoutAlerts(_pending.AsSpan(_pendingEnd, count));
    }

    private static int WithoutAlerts(Span<byte> records)
    {
        ReadOnlySpan<byte> rest = records;
        var kept = 0;
        var read = 0;
        while (DtlsRecords.TryTake(ref rest, out var record))
        {
            var length = record.Bytes.Length;
            if (record.Type != DtlsContentType.Alert)
            {
                records.Slice(read, length).CopyTo(records[kept..]);
                kept += length;
            }

            read += length;
        }

        return kept;
    }

    private void Open()
    {
        _helloSeen = false;
        NextTimeout = long.MaxValue;
        LibSsl.ERR_clear_error();
        _ssl = LibSsl.SSL_new(_context.Handle);
        _in = LibSsl.BIO_new(LibSsl.BIO_s_mem());
        _out = LibSsl.BIO_new(LibSsl.BIO_s_mem());
        if (_ssl == 0 || _in == 0 || _out == 0)
        {
            throw new CryptographicException($"OpenSSL made no connection: {LibSsl.TakeError()}");
        }

        // An empty BIO means "later", not end of file.
        LibSsl.BIO_ctrl(_in, LibSsl.BioSetMemEofReturn, -1, null);
        LibSsl.BIO_ctrl(_out, LibSsl.BioSetMemEofReturn, -1, null);
        LibSsl.SSL_set_bio(_ssl, _in, _out);
        LibSsl.SSL_ctrl(_ssl, LibSsl.CtrlSetMtu, MaxDatagram, null);
        LibSsl.SSL_set_ex_data(_ssl, 0, (nint)(_context.InitialRetransmit.Ticks / TimeSpan.TicksPerMicrosecond));
        LibSsl.DTLS_set_timer_cb(_ssl, &NextDuration);
        if (Role == DtlsRole.Server)
        {
            LibSsl.SSL_set_accept_state(_ssl);
        }
        else
        {
            LibSsl.SSL_set_connect_state(_ssl);
        }
    }

    private void Free()
    {
        if (_ssl != 0)
        {
            // Frees both BIOs too.
            LibSsl.SSL_free(_ssl);
            _ssl = 0;
        }
    }
}
