using System.Text;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Stun;

namespace VoiceCluster.Media.Ice;

/// <summary>
/// The lite side of ICE (RFC 8445 §2.5) for one transport: always controlled, host candidates only, never sends a request.
/// Bytes and time in, bytes and events out; one thread at a time. A request goes this way:
/// (1) parse, (2) credentials, (3) role, (4) unknown attributes, (5) tuple, (6) nomination and state, (7) answer.
/// </summary>
public sealed class IceLiteAgent
{
    /// <summary>Microseconds without an authenticated request after which consent is gone (RFC 7675 §5.1).</summary>
    public const long ConsentLifetime = 30_000_000;

    /// <summary>Tuples that one agent keeps; the longest silent makes room.</summary>
    public const int MaxTuples = 8;

    /// <summary>Bytes of the longest response: header, IPv6 address, integrity, fingerprint, with room for an error's attributes.</summary>
    public const int MaxResponse = 128;

    /// <summary>Error responses to requests without proof that one agent gives in a second; the rest get silence.</summary>
    public const int MaxErrorsPerSecond = 10;

    private readonly byte[]? _remoteUfrag;
    private readonly Tuple[] _tuples = new Tuple[MaxTuples];
    private readonly Queue<IceEvent> _events = new();
    private LocalSide _local;
    private LocalSide? _previous;
    private int _count;
    private int _selected = -1;
    private uint _nomination;
    private bool _nominationSeen;
    private long _errorWindow = long.MinValue / 2;
    private int _errorsInWindow;

    /// <param name="local">Own credentials, given to the remote side.</param>
    /// <param name="remoteUsernameFragment">The remote side's fragment, or null when it is not signalled (mediasoup).</param>
    public IceLiteAgent(IceCredentials local, string? remoteUsernameFragment = null)
    {
        _local = new LocalSide(local);
        _remoteUfrag = remoteUsernameFragment is null ? null : Encoding.UTF8.GetBytes(remoteUsernameFragment);
    }

    /// <summary>The credentials to hand out: those of the last <see cref="Restart"/>.</summary>
    public IceCredentials Local => _local.Credentials;

    /// <summary>The present state.</summary>
    public IceState State { get; private set; }

    /// <summary>Where to send; meaningless in <see cref="IceState.New"/> and <see cref="IceState.Disconnected"/>.</summary>
    public TransportAddress SelectedTuple => _selected < 0 ? default : _tuples[_selected].Address;

    /// <summary>Error responses given to requests that proved nothing.</summary>
    public long ErrorsSent { get; private set; }

    /// <summary>Whether DTLS and SRTP may be taken from this address.</summary>
    public bool IsValidTuple(in TransportAddress address) => Find(address) >= 0;

    /// <summary>Handles a STUN datagram. <paramref name="response"/> takes <see cref="MaxResponse"/> bytes at least; send its first <paramref name="responseLength"/> bytes back to <paramref name="from"/> when not 0.</summary>
    public StunVerdict Process(ReadOnlySpan<byte> datagram, in TransportAddress from, long now, Span<byte> response, out int responseLength)
    {
        // Step 1: anything but a Binding request from where an answer can go is of no concern; a lite agent sends nothing that could be answered.
        responseLength = 0;
        if (!from.IsReachable)
        {
            return StunVerdict.Ignored;
        }

        if (!StunMessage.TryParse(datagram, out var request))
        {
            return StunVerdict.Malformed;
        }

        if (request.Class != StunClass.Request || request.Method != StunFormat.BindingMethod)
        {
            return StunVerdict.Ignored;
        }

        // Step 2: RFC 8489 §9.1.3, in its order.
        if (!request.HasIntegrity || request.Username.IsEmpty)
        {
            responseLength = RefuseUnproved(request, StunError.BadRequest, datagram.Length, now, response);
            return StunVerdict.Unauthenticated;
        }

        var side = MatchUsername(request.Username);
        if (side is null || !request.VerifyIntegrity(side.Password))
        {
            responseLength = RefuseUnproved(request, StunError.Unauthenticated, datagram.Length, now, response);
            return StunVerdict.Unauthenticated;
        }

        // Step 3: RFC 8445 §7.3.1.1. A lite agent never becomes controlling; the one that says controlled is corrected.
        if (request.IsControlled)
        {
            responseLength = Refuse(request, StunError.RoleConflict, side, response);
            return StunVerdict.Refused;
        }

        // Step 4: RFC 8489 §6.3.1.
        if (request.UnknownAttributeCount > 0)
        {
            responseLength = Refuse(request, StunError.UnknownAttribute, side, response);
            return StunVerdict.Refused;
        }

        if (_previous is not null && ReferenceEquals(side, _local))
        {
            // RFC 8445 §9: the restart is taken up. Nomination numbers begin anew with it.
            _previous = null;
            _nominationSeen = false;
            _events.Enqueue(new IceEvent(IceEventKind.RestartCompleted, State, from));
        }

        // Steps 5 and 6.
        var index = Validate(from, now);
        Advance(index, request.UseCandidate || request.Nomination is not null, request.Nomination);

        // Step 7: RFC 8445 §7.3.1.2, RFC 8489 §6.3.1.1.
        var writer = new StunWriter(response, StunClass.SuccessResponse, request.TransactionId);
        writer.AddXorMappedAddress(from);
        writer.AddIntegrity(side.Password);
        writer.AddFingerprint();
        responseLength = writer.Length;
        return StunVerdict.Accepted;
    }

    /// <summary>New credentials; the old stay good until the new are used (RFC 8445 §9). The tuples stay, so media flows on.</summary>
    public IceCredentials Restart()
    {
        // A second restart before the first was taken up: the credentials in use are still those before both.
        _previous ??= _local;
        _local = new LocalSide(IceCredentials.Create());
        return _local.Credentials;
    }

    /// <summary>When to call <see cref="HandleTimeout"/>, in microseconds; <see cref="long.MaxValue"/> when there is nothing to wait for.</summary>
    public long NextTimeout
    {
        get
        {
            var next = long.MaxValue;
            for (var i = 0; i < _count; i++)
            {
                next = Math.Min(next, _tuples[i].LastRequest + ConsentLifetime);
            }

            return next;
        }
    }

    /// <summary>Expires tuples and consent.</summary>
    public void HandleTimeout(long now)
    {
        for (var i = _count - 1; i >= 0; i--)
        {
            if (now - _tuples[i].LastRequest >= ConsentLifetime)
            {
                Remove(i);
            }
        }

        if (_count == 0)
        {
            if (State is IceState.Connected or IceState.Completed)
            {
                // RFC 7675 §5.1: without consent nothing more may be sent.
                _nominationSeen = false;
                SetState(IceState.Disconnected);
            }
        }
        else if (_selected < 0)
        {
            // The selected tuple went silent while another is alive: that one is all there is.
            Select(MostRecent());
        }
    }

    /// <summary>Takes the next event, oldest first. Drain after every <see cref="Process"/> and <see cref="HandleTimeout"/>.</summary>
    public bool TryTakeEvent(out IceEvent item) => _events.TryDequeue(out item);

    /// <summary>The local fragment of a binding request's USERNAME, by which a worker finds the transport of a new address. Proves nothing.</summary>
    public static bool TryGetLocalUfrag(ReadOnlySpan<byte> datagram, out ReadOnlySpan<byte> ufrag)
    {
        ufrag = default;
        if (!StunMessage.TryParse(datagram, out var request) || request.Class != StunClass.Request)
        {
            return false;
        }

        var colon = request.Username.IndexOf((byte)':');
        if (colon <= 0)
        {
            return false;
        }

        ufrag = request.Username[..colon];
        return true;
    }

    /// <summary>RFC 8445 §7.2.2: the user name is the fragment of the one asked, a colon, and that of the one asking.</summary>
    private LocalSide? MatchUsername(ReadOnlySpan<byte> username)
    {
        var colon = username.IndexOf((byte)':');
        if (colon <= 0 || (_remoteUfrag is not null && !username[(colon + 1)..].SequenceEqual(_remoteUfrag)))
        {
            return null;
        }

        var ufrag = username[..colon];
        return ufrag.SequenceEqual(_local.Ufrag) ? _local
            : _previous is not null && ufrag.SequenceEqual(_previous.Ufrag) ? _previous
            : null;
    }

    private int Find(in TransportAddress address)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_tuples[i].Address == address)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Notes the source of an authenticated request as a valid tuple.</summary>
    private int Validate(in TransportAddress from, long now)
    {
        var index = Find(from);
        if (index < 0)
        {
            if (_count == MaxTuples)
            {
                Remove(LongestSilentUnselected());
            }

            index = _count++;
            _tuples[index].Address = from;
            _events.Enqueue(new IceEvent(IceEventKind.TupleAdded, State, from));
        }

        _tuples[index].LastRequest = now;
        return index;
    }

    /// <summary>Nomination as the controlled side sees it (RFC 8445 §7.3.1.5, §8.3), and renomination by number.</summary>
    private void Advance(int index, bool nominated, uint? nomination)
    {
        if (nominated)
        {
            // draft-thatcher-ice-renomination-01 §4: the highest number wins, whatever the order of arrival.
            if (nomination is { } number)
            {
                if (_nominationSeen && number < _nomination)
                {
                    return;
                }

                _nomination = number;
                _nominationSeen = true;
            }

            Select(index);
            SetState(IceState.Completed);
        }
        else if (State is IceState.New or IceState.Disconnected)
        {
            // Nothing is nominated yet; the first valid tuple carries media until then.
            Select(index);
            SetState(IceState.Connected);
        }
    }

    private void Select(int index)
    {
        if (_selected != index)
        {
            _selected = index;
            _events.Enqueue(new IceEvent(IceEventKind.TupleSelected, State, _tuples[index].Address));
        }
    }

    private void SetState(IceState state)
    {
        if (State != state)
        {
            State = state;
            _events.Enqueue(new IceEvent(IceEventKind.StateChanged, state, SelectedTuple));
        }
    }

    private void Remove(int index)
    {
        _events.Enqueue(new IceEvent(IceEventKind.TupleRemoved, State, _tuples[index].Address));
        var last = --_count;
        _tuples[index] = _tuples[last];
        if (_selected == index)
        {
            _selected = -1;
        }
        else if (_selected == last)
        {
            _selected = index;
        }
    }

    private int LongestSilentUnselected()
    {
        var best = _selected == 0 ? 1 : 0;
        for (var i = best + 1; i < _count; i++)
        {
            if (i != _selected && _tuples[i].LastRequest < _tuples[best].LastRequest)
            {
                best = i;
            }
        }

        return best;
    }

    private int MostRecent()
    {
        var best = 0;
        for (var i = 1; i < _count; i++)
        {
            if (_tuples[i].LastRequest > _tuples[best].LastRequest)
            {
                best = i;
            }
        }

        return best;
    }

    /// <summary>Answers a request that proved nothing: seldom, and never with more bytes than it had, so that nothing is gained by forging its source.</summary>
    private int RefuseUnproved(in StunMessage request, StunError error, int requestLength, long now, Span<byte> response)
    {
        if (now - _errorWindow >= 1_000_000)
        {
            _errorWindow = now;
            _errorsInWindow = 0;
        }

        if (_errorsInWindow >= MaxErrorsPerSecond)
        {
            return 0;
        }

        // RFC 8489 §9.1.3: no MESSAGE-INTEGRITY in these.
        var writer = new StunWriter(response, StunClass.ErrorResponse, request.TransactionId);
        writer.AddErrorCode(error);
        writer.AddFingerprint();
        if (writer.Length > requestLength)
        {
            return 0;
        }

        _errorsInWindow++;
        ErrorsSent++;
        return writer.Length;
    }

    private static int Refuse(in StunMessage request, StunError error, LocalSide side, Span<byte> response)
    {
        var writer = new StunWriter(response, StunClass.ErrorResponse, request.TransactionId);
        writer.AddErrorCode(error);
        if (error == StunError.UnknownAttribute)
        {
            writer.AddUnknownAttributes(request);
        }

        writer.AddIntegrity(side.Password);
        writer.AddFingerprint();
        return writer.Length;
    }

    private struct Tuple
    {
        public TransportAddress Address;
        public long LastRequest;
    }

    private sealed class LocalSide(IceCredentials credentials)
    {
        public readonly IceCredentials Credentials = credentials;
        public readonly byte[] Ufrag = Encoding.UTF8.GetBytes(credentials.UsernameFragment);
        public readonly byte[] Password = Encoding.UTF8.GetBytes(credentials.Password);
    }
}
