using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using VoiceCluster.Abstractions.Peers;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Sdp;
using MediaKind = VoiceCluster.Abstractions.Rooms.MediaKind;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Signaling;

/// <summary>What a section carries to the client.</summary>
/// <param name="Source"><c>mix</c>, <c>loudest</c> in a slot, or <c>track</c>: one of another participant.</param>
/// <param name="ParticipantId">Whose track it is.</param>
internal sealed record TrackAnswer(string Mid, string Kind, string Source, string StreamId, string? ParticipantId, string? UserId, string? Name);

/// <summary>A description as <c>setRemoteDescription</c> takes it, and what its tracks are.</summary>
internal sealed record DescriptionAnswer(string Type, string Sdp, string PeerId, string Room, TrackAnswer[] Tracks);

/// <summary>An offer of the server that waits for its answer.</summary>
internal sealed record ServerOffer(SdpOffer Offered, long Version, IReadOnlyList<PeerTrack> Tracks, DescriptionAnswer Description);

/// <summary>Between SDP and the peer's grain.</summary>
internal sealed class PeerSignaling(RoomEntry entry)
{
    private const int MaxCandidate = 4_096;
    private const int MaxMid = 256;

    // Between two answers there is room for so many offers of the server (RFC 8866 §5.2: the version grows with each description).
    private const int OffersAnAnswer = 16;

    private readonly SdpOfferReader _reader = new(SupportedCapabilities.Create(withRed: true), takesVideo: true);

    /// <summary>Negotiates a client's offer.</summary>
    public async Task<(DescriptionAnswer? Answer, PeerError? Error)> OfferAsync(IPeerGrain grain, PeerInfo peer, string? sdp)
    {
        if (!_reader.TryRead(sdp, out var offer, out var fault))
        {
            return (null, new PeerError(fault.Kind == SdpFaultKind.NoCommonCodec ? 415 : 400, fault.Message));
        }

        var media = Read(offer);
        var answered = await entry.AskAsync(() => grain.OfferAsync(peer, media, sdp!)).ConfigureAwait(false);
        if (answered.Fault is { } refused)
        {
            return (null, PeerError.Of(refused));
        }

        var negotiation = answered.Value!;
        return TryDescribe(grain.GetPrimaryKey(), offer, negotiation, isOffer: false, 0, out var answer) ? (answer, null) : (null, PeerError.Unavailable);
    }

    /// <summary>
    /// The formats of the tracks that have none yet, taken from what the client itself has offered; null where it takes nothing
    /// of the kind. The offer is the client's with all sections of the server.
    /// </summary>
    public bool TryExtend(PeerNegotiation negotiation, [NotNullWhen(true)] out SdpOffer? offer, out PeerTrackFormat[] formats)
    {
        List<PeerTrackFormat> missing = [];
        formats = [];
        if (!_reader.TryRead(negotiation.ClientSdp, out offer, out _))
        {
            return false;
        }

        foreach (var track in negotiation.Tracks)
        {
            var section = offer.Sections.FirstOrDefault(s => s.Mid == track.Mid);
            if (section is null && offer.WithSection(track.Mid, KindOf(track.Kind)) is { } extended)
            {
                offer = extended;
                section = extended.Sections[^1];
            }

            if (track is { ProducerId: not null, SentJson: null })
            {
                missing.Add(new PeerTrackFormat(track.Mid, section?.ReceiveParameters?.ToJson()));
            }
        }

        formats = [.. missing];
        return true;
    }

    /// <summary>The server's offer. The number tells offers apart between which the client has offered nothing.</summary>
    public static bool TryOffer(
        Guid key, SdpOffer offer, PeerNegotiation negotiation, int number, [NotNullWhen(true)] out ServerOffer? made)
    {
        made = TryDescribe(key, offer, negotiation, isOffer: true, number, out var description)
            ? new ServerOffer(offer, negotiation.Version, negotiation.Tracks, description)
            : null;
        return made is not null;
    }

    /// <summary>Whether a candidate is one: the server is ICE-lite and needs none, but nonsense is refused.</summary>
    public static bool IsCandidate(JsonElement candidate) => candidate.ValueKind switch
    {
        // The end of candidates.
        JsonValueKind.Null => true,
        JsonValueKind.Object => candidate.TryGetProperty("candidate", out var text)
            && StrictJson.TextOf(text, MaxCandidate) is { } line
            && (line.Length == 0 || line.StartsWith("candidate:", StringComparison.Ordinal) || line.StartsWith("a=candidate:", StringComparison.Ordinal))
            && IsTextOrNull(candidate, "sdpMid")
            && IsIndexOrNull(candidate, "sdpMLineIndex"),
        _ => false,
    };

    private static bool IsTextOrNull(JsonElement owner, string name) =>
        !owner.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null || StrictJson.TextOf(value, MaxMid) is not null;

    private static bool IsIndexOrNull(JsonElement owner, string name) =>
        !owner.TryGetProperty(name, out var value)
        || value.ValueKind == JsonValueKind.Null
        || (value.ValueKind == JsonValueKind.Number && value.TryGetUInt16(out _));

    private static MediaOffered Read(SdpOffer offer) => new(
        offer.SessionId,
        offer.IceUsernameFragment,
        offer.DtlsParametersJson,
        [
            .. offer.Sections.Where(s => s.IsTaken).Select(s => new OfferedSection(
                s.Mid,
                s.SendParameters?.ToJson(),
                s.ReceiveParameters?.ToJson(),
                s.Kind == VoiceCluster.Media.Routing.Parameters.MediaKind.Video ? MediaKind.Video : MediaKind.Audio)),
        ]);

    private static VoiceCluster.Media.Routing.Parameters.MediaKind KindOf(MediaKind kind) =>
        kind == MediaKind.Video ? VoiceCluster.Media.Routing.Parameters.MediaKind.Video : VoiceCluster.Media.Routing.Parameters.MediaKind.Audio;

    private static bool TryDescribe(
        Guid key, SdpOffer offer, PeerNegotiation negotiation, bool isOffer, int number, [NotNullWhen(true)] out DescriptionAnswer? answer)
    {
        answer = null;
        var media = negotiation.Media;
        if (!SdpServerTransport.TryParse(media.TransportJson, out var transport)
            || (media.IceParametersJson is { } restarted && !transport.TryRestart(restarted, out transport)))
        {
            return false;
        }

        Dictionary<string, SdpSentTrack> sent = [];
        List<TrackAnswer> tracks = [];
        foreach (var section in media.Sections)
        {
            if (section.SentJson is null || section.Source is not { } source)
            {
                continue;
            }

            // A stream of its own each: players synchronise the tracks of one stream, and these are different people.
            var stream = source == ConsumerSource.Mix ? "mix" : $"slot-{section.Mid}";
            if (!TryAdd(section.Mid, stream, section.SentJson))
            {
                return false;
            }

            tracks.Add(new TrackAnswer(section.Mid, "audio", source == ConsumerSource.Mix ? "mix" : "loudest", stream, null, null, null));
        }

        foreach (var track in negotiation.Tracks.Where(t => t.SentJson is not null && offer.Sections.Any(s => s.Mid == t.Mid)))
        {
            // Voice and picture of one participant are one stream, and are played in time with each other.
            var stream = track.Owner?.ParticipantId ?? track.ProducerId!;
            if (!TryAdd(track.Mid, stream, track.SentJson!))
            {
                return false;
            }

            tracks.Add(new TrackAnswer(
                track.Mid,
                track.Kind == MediaKind.Video ? "video" : "audio",
                "track",
                stream,
                track.Owner?.ParticipantId,
                TextOf(track.Owner),
                track.Owner?.DisplayName));
        }

        // The sign bit stays free: session ids are signed 64-bit numbers in some parsers (RFC 8829 §5.2.1).
        Span<byte> id = stackalloc byte[16];
        key.TryWriteBytes(id);
        var version = new SdpVersion(
            BinaryPrimitives.ReadUInt64BigEndian(id[8..]) & long.MaxValue, ((ulong)media.Version << OffersAnAnswer) + (ulong)number);
        var received = media.Sections.Where(s => s.IsReceived).Select(s => s.Mid).ToHashSet(StringComparer.Ordinal);
        answer = new DescriptionAnswer(
            isOffer ? "offer" : "answer",
            isOffer ? SdpServerOffer.Write(offer, transport, version, received, sent) : SdpAnswerWriter.Write(offer, transport, version, received, sent),
            negotiation.Peer.PeerId,
            negotiation.Peer.Room,
            [.. tracks]);
        return true;

        bool TryAdd(string mid, string stream, string sentJson)
        {
            if (!RtpParameters.TryParse(sentJson, out var parameters, out _))
            {
                return false;
            }

            sent[mid] = new SdpSentTrack(stream, $"{stream}-{mid}", parameters);
            return true;
        }
    }

    /// <summary>The user as its door's client wrote it, without the quotes of JSON.</summary>
    public static string? TextOf(ParticipantInfo? participant) => TextOf(participant?.UserText);

    /// <summary>The same of its text alone.</summary>
    public static string? TextOf(string? text)
    {
        if (text is not { Length: > 1 } || text[0] != '"')
        {
            return text;
        }

        try
        {
            return JsonSerializer.Deserialize<string>(text);
        }
        catch (JsonException)
        {
            return text;
        }
    }
}
