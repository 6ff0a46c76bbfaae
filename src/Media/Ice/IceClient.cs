using System.Security.Cryptography;
using System.Text;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Stun;

namespace VoiceCluster.Media.Ice;

/// <summary>How far an <see cref="IceClient"/> has come.</summary>
public enum IceClientState : byte
{
    /// <summary>The first check has no answer yet.</summary>
    Checking,

    /// <summary>The pair is nominated and has consent.</summary>
    Connected,

    /// <summary>No answer in time, or consent is gone.</summary>
    Failed,
}

/// <summary>
/// The controlling side towards one candidate of a lite agent, for the load generator and tests: one pair,
/// nominated with its first check, then kept by consent checks (RFC 7675). Drive it by <see cref="TakeDatagram"/>
/// whenever <see cref="NextTimeout"/> is reached.
/// </summary>
public sealed class IceClient
{
    /// <summary>First retransmission timeout in microseconds (RFC 8445 §14.3: 500 ms at least), doubled up to <see cref="MaxRetransmit"/>.</summary>
    public const long InitialRetransmit = 500_000;

    /// <summary>The longest retransmission timeout, in microseconds.</summary>
    public const long MaxRetransmit = 4_000_000;

    /// <summary>Microseconds between consent checks, spread by a fifth to both sides (RFC 7675 §5.1).</summary>
    public const long ConsentInterval = 5_000_000;

    /// <summary>Type preference 126 of a host candidate, highest local preference, component 1 (RFC 8445 §5.1.2.1).</summary>
    private const uint HostPriority = (126u << 24) | (65535u << 8) | 255;

    private readonly byte[] _username;
    private readonly byte[] _remotePassword;
    private readonly ulong _tieBreaker;
    private readonly byte[] _transactionId = new byte[StunFormat.TransactionIdSize];
    private bool _outstanding;
    private long _retransmit = InitialRetransmit;
    private long _lastAnswer;
    private long _nextSend;

    /// <param name="local">Own credentials; the remote side may not need to know them.</param>
    /// <param name="remote">Those of the lite agent.</param>
    /// <param name="now">Microseconds.</param>
    public IceClient(IceCredentials local, IceCredentials remote, long now)
    {
        // RFC 8445 §7.2.2.
        _username = Encoding.UTF8.GetBytes($"{remote.UsernameFragment}:{local.UsernameFragment}");
        _remotePassword = Encoding.UTF8.GetBytes(remote.Password);
        Span<byte> random = stackalloc byte[8];
        RandomNumberGenerator.Fill(random);
        _tieBreaker = BitConverter.ToUInt64(random);
        _lastAnswer = now;
        _nextSend = now;
    }

    /// <summary>The present state.</summary>
    public IceClientState State { get; private set; }

    /// <summary>Own address as the remote side sees it, once connected.</summary>
    public TransportAddress MappedAddress { get; private set; }

    /// <summary>The last error code that came, 0 for none.</summary>
    public int LastError { get; private set; }

    /// <summary>When to call <see cref="TakeDatagram"/> again; <see cref="long.MaxValue"/> after failure.</summary>
    public long NextTimeout => State == IceClientState.Failed ? long.MaxValue : _nextSend;

    /// <summary>Writes the request that is due; 0 when none is.</summary>
    public int TakeDatagram(Span<byte> destination, long now)
    {
        if (State == IceClientState.Failed || now < _nextSend)
        {
            return 0;
        }

        if (now - _lastAnswer >= IceLiteAgent.ConsentLifetime)
        {
            State = IceClientState.Failed;
            return 0;
        }

        if (_outstanding && State == IceClientState.Checking)
        {
            // RFC 8489 §6.2.1: a retransmission keeps its transaction id.
            _retransmit = Math.Min(2 * _retransmit, MaxRetransmit);
        }
        else
        {
            RandomNumberGenerator.Fill(_transactionId);
        }

        _outstanding = true;
        _nextSend = now + (State == IceClientState.Checking ? _retransmit : ConsentInterval * RandomNumberGenerator.GetInt32(80, 121) / 100);

        var writer = new StunWriter(destination, StunClass.Request, _transactionId);
        writer.Add(StunAttribute.Username, _username);
        writer.AddUInt64(StunAttribute.IceControlling, _tieBreaker);
        writer.AddUInt32(StunAttribute.Priority, HostPriority);
        writer.Add(StunAttribute.UseCandidate, default);
        writer.AddIntegrity(_remotePassword);
        writer.AddFingerprint();
        return writer.Length;
    }

    /// <summary>Takes a response. False when it is not the answer to the request under way.</summary>
    public bool Process(ReadOnlySpan<byte> datagram, long now)
    {
        if (!_outstanding
            || State == IceClientState.Failed
            || !StunMessage.TryParse(datagram, out var response)
            || response.Class is not (StunClass.SuccessResponse or StunClass.ErrorResponse)
            || !response.TransactionId.SequenceEqual(_transactionId))
        {
            return false;
        }

        if (response.Class == StunClass.ErrorResponse)
        {
            // A 400 or 401 proves nothing (RFC 8489 §9.1.4), so it only informs; the timeout decides.
            LastError = response.ErrorCode;
            return true;
        }

        if (!response.VerifyIntegrity(_remotePassword))
        {
            return false;
        }

        _outstanding = false;
        _lastAnswer = now;
        if (response.TryGetXorMappedAddress(out var mapped))
        {
            MappedAddress = mapped;
        }

        if (State == IceClientState.Checking)
        {
            State = IceClientState.Connected;
            _nextSend = now + ConsentInterval;
        }

        return true;
    }
}
