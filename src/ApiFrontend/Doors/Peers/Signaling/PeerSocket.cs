using System.Net.WebSockets;
using System.Text.Json;
using VoiceCluster.Abstractions.Peers;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Limits;
using VoiceCluster.ApiFrontend.WebSockets;
using VoiceCluster.Media.Sdp;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Signaling;

/// <summary>
/// The connection beside a peer's media. Over it the server offers new tracks, one offer at a time; an offer of the client
/// takes precedence over one of the server that is not answered yet (RFC 8829 §4.1.8.2: the client rolls back by itself).
/// </summary>
internal sealed partial class PeerSocket : IMessageHandler, IPeerObserver
{
    /// <summary>The close code of a connection that another one of the same peer has replaced.</summary>
    private const WebSocketCloseStatus Replaced = (WebSocketCloseStatus)4409;

    private const int MaxType = 32;

    private readonly Guid _id = Guid.NewGuid();
    private readonly MessageSocket _socket;
    private readonly PeerCaller _caller;
    private readonly IGrainFactory _grains;
    private readonly PeerSignaling _signaling;
    private readonly RequestLimits _limits;
    private readonly ILogger _logger;
    private readonly IPeerGrain _peer;
    private readonly IPeerObserver _reference;

    // One negotiation at a time, and once more when something changed meanwhile.
    private readonly SemaphoreSlim _negotiating = new(1, 1);
    private ServerOffer? _offer;
    private int _offers;

    public PeerSocket(
        MessageSocket socket, PeerCaller caller, IGrainFactory grains, PeerSignaling signaling, RequestLimits limits, ILogger<PeerSocket> logger)
    {
        (_socket, _caller, _grains, _signaling, _limits, _logger) = (socket, caller, grains, signaling, limits, logger);
        _peer = grains.GetGrain<IPeerGrain>(caller.Key);
        _reference = grains.CreateObjectReference<IPeerObserver>(this);
    }

    /// <summary>The longest message is a description.</summary>
    public static MessageSocketLimits Limits { get; } = new(MaxMessageBytes: 256 * 1024, MaxQueued: 1_024);

    /// <inheritdoc/>
    public TimeSpan RenewEvery => PeerLease.RenewEvery;

    /// <inheritdoc/>
    public byte[] Farewell => PeerSocketMessage.Restart;

    /// <inheritdoc/>
    public Task ConnectAsync() => _peer.ConnectAsync(_id, _reference);

    /// <inheritdoc/>
    public async Task RenewAsync()
    {
        await _peer.ConnectAsync(_id, _reference).ConfigureAwait(false);

        // A track that could not be had when it came.
        await NegotiateAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task DisconnectAsync()
    {
        _grains.DeleteObjectReference<IPeerObserver>(_reference);
        return _peer.DisconnectAsync(_id);
    }

    /// <inheritdoc/>
    public Task OnNoticesAsync(PeerNotice[] notices)
    {
        foreach (var notice in notices)
        {
            if (notice is PeerReplacedNotice)
            {
                _socket.Close(Replaced, "Another connection of this peer has taken over.");
            }
            else if (PeerSocketMessage.Write(notice) is { } message)
            {
                _socket.Send(message);
            }
        }

        return notices.OfType<PeerChangedNotice>().Any() ? NegotiateAsync() : Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task HandleAsync(ReadOnlyMemory<byte> utf8)
    {
        using var document = StrictJson.TryParseObject(utf8);
        if (document is null)
        {
            Refuse("a message must be a JSON object");
            return;
        }

        var message = document.RootElement;
        if (!_limits.TryUser(_caller.Peer.UserId, out _))
        {
            _socket.Send(PeerSocketMessage.Write(new PeerError(429, "too many messages, try again later")));
            return;
        }

        switch (StrictJson.TextOf(message, "type", MaxType))
        {
            case "ping":
                _socket.Send(PeerSocketMessage.Pong);
                break;
            case "offer":
                await AnswerAsync(StrictJson.TextOf(message, "sdp", SdpLimits.MaxLength)).ConfigureAwait(false);
                break;
            case "answer":
                await TakeAnswerAsync(StrictJson.TextOf(message, "sdp", SdpLimits.MaxLength)).ConfigureAwait(false);
                break;
            case "candidate" or "ice-candidate":
                var candidate = message.TryGetProperty("candidate", out var inner) && inner.ValueKind is JsonValueKind.Object or JsonValueKind.Null ? inner : message;
                if (!PeerSignaling.IsCandidate(candidate))
                {
                    Refuse("candidate must be an RTCIceCandidate");
                }

                break;
            case "leave":
                await TryAsync(() => _peer.LeaveAsync()).ConfigureAwait(false);
                break;
            default:
                Refuse("type must be offer, answer, candidate, leave or ping");
                break;
        }
    }

    private async Task AnswerAsync(string? sdp)
    {
        // The answer goes first; what it makes possible is offered after it.
        await _negotiating.WaitAsync().ConfigureAwait(false);
        try
        {
            await TryAsync(async () =>
            {
                var (answer, error) = await _signaling.OfferAsync(_peer, _caller.Peer, sdp).ConfigureAwait(false);
                _socket.Send(error is null ? PeerSocketMessage.Write(answer!) : PeerSocketMessage.Write(error));
            }).ConfigureAwait(false);
        }
        finally
        {
            _negotiating.Release();
        }
    }

    private async Task TakeAnswerAsync(string? sdp)
    {
        await _negotiating.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_offer is not { } offer)
            {
                _socket.Send(PeerSocketMessage.Write(new PeerError(409, "the server has offered nothing that could be answered")));
                return;
            }

            if (!SdpServerOffer.TryReadAnswer(offer.Offered, sdp, out var answer, out var fault))
            {
                Refuse(fault.Message);
                return;
            }

            _offer = null;
            var accepted = answer.Sections
                .Where(s => s.IsAccepted && s.Direction is SdpDirection.RecvOnly or SdpDirection.SendRecv)
                .Select(s => s.Mid)
                .ToHashSet(StringComparer.Ordinal);
            await TryAsync(async () =>
            {
                var agreed = await _peer.AnsweredAsync(
                    offer.Version,
                    [.. offer.Tracks.Select(t => new PeerTrackAnswer(
                        t.Mid, t.ProducerId, accepted.Contains(t.Mid), t.ProducerId is null || t.SentJson is not null))]).ConfigureAwait(false);
                if (agreed.Fault is { } refused)
                {
                    _socket.Send(PeerSocketMessage.Write(PeerError.Of(refused)));
                }
            }).ConfigureAwait(false);
        }
        finally
        {
            _negotiating.Release();
        }

        await NegotiateAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Offers what the client does not know yet. Steps: 1. ask what should flow; 2. give formats to tracks without one; 3. offer.
    /// </summary>
    private async Task NegotiateAsync()
    {
        await _negotiating.WaitAsync().ConfigureAwait(false);
        try
        {
            await TryAsync(OfferAsync).ConfigureAwait(false);
        }
        finally
        {
            _negotiating.Release();
        }
    }

    private async Task OfferAsync()
    {
        // :: Step 1
        var prepared = await _peer.PrepareAsync([]).ConfigureAwait(false);
        if (prepared.Value is not { NeedsOffer: true } negotiation)
        {
            return;
        }

        if (_offer is { } waiting)
        {
            if (waiting.Version == negotiation.Version)
            {
                return;
            }

            _offer = null;
        }

        // :: Step 2
        if (!_signaling.TryExtend(negotiation, out var offer, out var formats))
        {
            return;
        }

        if (formats.Length > 0)
        {
            // What comes meanwhile has its turn after the answer to this offer.
            prepared = await _peer.PrepareAsync(formats).ConfigureAwait(false);
            if (prepared.Value is not { } opened || !_signaling.TryExtend(opened, out offer, out _))
            {
                return;
            }

            negotiation = opened;
        }

        if (!negotiation.HasNews)
        {
            return;
        }

        // :: Step 3
        if (PeerSignaling.TryOffer(_caller.Key, offer, negotiation, ++_offers, out var made))
        {
            _offer = made;
            _socket.Send(PeerSocketMessage.Write(made.Description));
        }
    }

    private void Refuse(string message) => _socket.Send(PeerSocketMessage.Write(PeerError.Invalid(message)));

    private async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogUnavailable(_logger, e, _caller.Peer.PeerId);
            _socket.Send(PeerSocketMessage.Write(PeerError.Unavailable));
        }
    }

    [LoggerMessage(3641, LogLevel.Warning, "Peer {Peer}: a request over its socket failed")]
    private static partial void LogUnavailable(ILogger logger, Exception exception, string peer);
}
