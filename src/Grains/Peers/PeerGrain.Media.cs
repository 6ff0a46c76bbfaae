using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Peers;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.Grains.VoiceSessions;

namespace VoiceCluster.Grains.Peers;

/// <summary>
/// A peer's media. What its own offer asks for is as in voice sessions: one receiving audio section is the mix, more are slots.
/// While a connection stands beside it, each track of others gets a section that the server offers, and once the client has
/// answered, the mix is held back. Without the connection it is the other way round again.
/// </summary>
public sealed partial class PeerGrain
{
    /// <inheritdoc/>
    public async Task ConnectAsync(Guid connectionId, IPeerObserver observer)
    {
        var isNew = _connection?.Id != connectionId;
        if (isNew && _connection is { } older)
        {
            await older.Observer.OnNoticesAsync([new PeerReplacedNotice()]);
        }

        _connection = (connectionId, observer, time.GetUtcNow());
        if (isNew && store.State.Peer is { } peer)
        {
            var view = await ViewAsync();
            _notices.Add(new PeerRoomNotice(peer.Room, view.Participants));
            _notices.Add(new PeerChangedNotice());
            await MatchAsync();
            await HoldBackAsync();
            await SaveAsync();
            await TellAsync();
        }
    }

    /// <inheritdoc/>
    public async Task DisconnectAsync(Guid connectionId)
    {
        if (_connection?.Id == connectionId)
        {
            _connection = null;
            await HoldBackAsync();
            await SaveAsync();
        }
    }

    /// <inheritdoc/>
    public async Task<Outcome<PeerNegotiation>> PrepareAsync(PeerTrackFormat[] formats)
    {
        if (store.State.Peer is null || store.State.Media.TransportId is not { } transportId)
        {
            return NotFound();
        }

        var tracks = store.State.Tracks;
        foreach (var format in formats)
        {
            if (tracks.Sections.Find(s => s.Mid == format.Mid) is not { ProducerId: { } producerId, SentJson: null } section)
            {
                continue;
            }

            _unsaved = true;
            if (format.ReceiveJson is not { } receive)
            {
                tracks.Refuse(section.Kind);
                continue;
            }

            // It flows once the client knows of it: a picture begins with a key frame then.
            var opened = await Room.ConsumeAsync(
                ParticipantId, new ConsumeRequest(transportId, producerId, "{}", Paused: true, NegotiatedRtpParametersJson: receive));
            switch (opened)
            {
                case { Value: { } consumer }:
                    tracks.Open(section.Mid, consumer.ConsumerId, consumer.RtpParametersJson);
                    break;
                case { Fault.Code: FaultCode.Invalid or FaultCode.Unsupported or FaultCode.Conflict }:
                    // For instance another codec than the client's.
                    tracks.Skip(section.Mid);
                    break;
                case { Fault.Code: FaultCode.NotFound }:
                    // The room tells that the producer is gone.
                    break;
                default:
                    return opened.Fault!;
            }
        }

        await SaveAsync();
        return Describe();
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> AnsweredAsync(long version, PeerTrackAnswer[] answers)
    {
        if (store.State.Peer is null)
        {
            return NotFound();
        }

        if (version != store.State.Media.Version)
        {
            return new Fault(FaultCode.Conflict, "The client has offered anew since, so this answer counts no more.");
        }

        store.State.Tracks.Agree(answers);
        _unsaved = true;
        await HoldBackAsync();
        await SaveAsync();
        if (store.State.Tracks.NeedsOffer)
        {
            _notices.Add(new PeerChangedNotice());
            await TellAsync();
        }

        return Done.Instance;
    }

    private PeerNegotiation Describe()
    {
        var state = store.State;
        return new PeerNegotiation(
            state.Peer!,
            state.ClientSdp,
            MediaNegotiation.Answer(state.Media),
            [.. state.Tracks.Sections.Select(s => new PeerTrack(s.Mid, s.Kind, s.ProducerId, _view?.Find(s.ParticipantId), s.SentJson))],
            state.Media.Version,
            state.Tracks.NeedsOffer,
            state.Tracks.HasNews);
    }

    private async Task<Fault?> NegotiateAsync(MediaOffered offer, string sdp)
    {
        var (media, tracks) = (store.State.Media, store.State.Tracks);
        var (transport, version) = (media.TransportId, media.Version);

        // The server's own sections come back in the client's offers; what they carry is not the client's to say.
        var own = tracks.Sections.Select(s => s.Mid).ToHashSet(StringComparer.Ordinal);
        var asked = offer with { Sections = [.. offer.Sections.Where(s => !own.Contains(s.Mid))] };
        if (VoiceMediaPlan.Transport(media, offer) == TransportStep.Replace)
        {
            // A connection that begins anew knows of no section of the server.
            asked = offer;
        }

        _unsaved = true;
        var failed = await new MediaNegotiation(Room, ParticipantId, media) { MixIsOptional = true }.RunAsync(asked);
        if (media.TransportId != transport)
        {
            tracks.Clear();
        }

        store.State.ClientSdp = failed is null ? sdp : store.State.ClientSdp;
        media.Version = version + 1;
        return failed;
    }

    /// <summary>Gives each wanted track a section, and closes the streams of those that are not wanted any more.</summary>
    private async Task MatchAsync()
    {
        var state = store.State;
        if (state.Peer is null || state.Media.TransportId is null)
        {
            return;
        }

        var view = await ViewAsync();

        // Who asked for slots hears the loudest there, and nobody twice.
        var hasSlots = state.Media.Sections.Exists(s => s.Source == ConsumerSource.Loudest);
        ProducerInfo[] wanted = _connection is null && state.Tracks.Sections.Count == 0
            ? []
            : [.. view.OthersProducers.Where(p => p.Kind == MediaKind.Video || !hasSlots)];
        var closed = state.Tracks.Match(wanted, out var hasChanged);
        foreach (var consumer in closed)
        {
            _unsaved = true;
            await Room.CloseConsumerAsync(ParticipantId, consumer);
        }

        if (hasChanged)
        {
            _unsaved = true;
            _notices.Add(new PeerChangedNotice());
        }
    }

    /// <summary>Lets flow either the tracks or the mix, never both: nobody is to be heard twice.</summary>
    private async Task HoldBackAsync()
    {
        var state = store.State;
        if (state.Peer is null || state.Media.TransportId is null)
        {
            return;
        }

        var hearsTracks = _connection is not null && state.Tracks.HasAnswered;
        foreach (var section in state.Tracks.Sections.Where(s => s is { ConsumerId: not null, IsTaken: true }))
        {
            await Room.SetConsumerPausedAsync(ParticipantId, section.ConsumerId!, section.Kind == MediaKind.Audio && !hearsTracks);
        }

        if (state.Media.Sections.Find(s => s is { Source: ConsumerSource.Mix, ConsumerId: not null }) is { } mix)
        {
            await Room.SetConsumerPausedAsync(ParticipantId, mix.ConsumerId!, hearsTracks);
        }
    }
}
