using System.Buffers.Binary;
using System.Text.Json;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Sdp;

namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>Between SDP and the session's grain: what a client offers, and what it is answered.</summary>
internal sealed class VoiceSignaling
{
    private const int MaxCandidate = 4096;

    private readonly SdpOfferReader _reader = new(SupportedCapabilities.Create(withRed: true), takesVideo: false);

    /// <summary>Negotiates an offer; the result is an answer or an error.</summary>
    public async Task<(SignalAnswer? Answer, VoiceError? Error)> OfferAsync(IVoiceSessionGrain grain, Guid sessionId, Guid userId, string? sdp)
    {
        if (!_reader.TryRead(sdp, out var offer, out var fault))
        {
            // An offer that is wrong tells nobody whether the session is another's.
            var owned = await grain.GetAsync(userId).ConfigureAwait(false);
            return (null, owned.Fault is { } notOwned ? VoiceError.Of(notOwned) : VoiceError.Of(fault));
        }

        var answered = await grain.NegotiateAsync(userId, Read(offer)).ConfigureAwait(false);
        if (answered.Fault is { } refused)
        {
            return (null, VoiceError.Of(refused));
        }

        return TryWrite(offer, sessionId, answered.Value!, out var answer) ? (answer, null) : (null, VoiceError.Unavailable);
    }

    /// <summary>Whether a candidate is one: the server is ICE-lite and needs none, but nonsense is refused.</summary>
    public static bool IsCandidate(JsonElement body)
    {
        if (!body.TryGetProperty("candidate", out var candidate) || candidate.ValueKind == JsonValueKind.Null)
        {
            // The end of candidates.
            return true;
        }

        return candidate.ValueKind == JsonValueKind.Object
            && (!candidate.TryGetProperty("candidate", out _) || StrictJson.TextOf(candidate, "candidate", MaxCandidate) is not null);
    }

    private static MediaOffered Read(SdpOffer offer) => new(
        offer.SessionId,
        offer.IceUsernameFragment,
        offer.DtlsParametersJson,
        [.. offer.Sections.Where(s => s.IsTaken).Select(s => new OfferedSection(s.Mid, s.SendParameters?.ToJson(), s.ReceiveParameters?.ToJson()))]);

    private static bool TryWrite(SdpOffer offer, Guid sessionId, MediaAnswered media, out SignalAnswer? answer)
    {
        answer = null;
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

            if (!RtpParameters.TryParse(section.SentJson, out var parameters, out _))
            {
                return false;
            }

            // A stream of its own each: players synchronise the tracks of one stream, and these are different people.
            var stream = source == Abstractions.Rooms.ConsumerSource.Mix ? "mix" : $"slot-{section.Mid}";
            sent[section.Mid] = new SdpSentTrack(stream, stream, parameters);
            tracks.Add(new TrackAnswer(section.Mid, VoiceJson.Name(source), stream));
        }

        // The sign bit stays free: session ids are signed 64-bit numbers in some parsers (RFC 8829 §5.2.1).
        Span<byte> id = stackalloc byte[16];
        sessionId.TryWriteBytes(id);
        var version = new SdpVersion(BinaryPrimitives.ReadUInt64BigEndian(id[8..]) & long.MaxValue, (ulong)media.Version);
        var received = media.Sections.Where(s => s.IsReceived).Select(s => s.Mid).ToHashSet(StringComparer.Ordinal);
        answer = new SignalAnswer(sessionId, "answer", SdpAnswerWriter.Write(offer, transport, version, received, sent), [.. tracks]);
        return true;
    }
}
