using System.Globalization;
using System.Text.Json;
using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Sdp;

/// <summary>What the server sends in one section: a consumer, as the media node has made it.</summary>
/// <param name="StreamId">The MediaStream that the client sees the track in.</param>
/// <param name="TrackId">The track's id.</param>
/// <param name="Parameters">With the encoding that the node has assigned.</param>
public sealed record SdpSentTrack(string StreamId, string TrackId, RtpParameters Parameters);

/// <summary>Which answer of which session (RFC 8866 §5.2: the version grows with each change).</summary>
public readonly record struct SdpVersion(ulong SessionId, ulong Version);

/// <summary>
/// Writes the answer to an offer: ICE-lite, one bundled transport, and in each taken section what the server receives and sends
/// (RFC 8829 §5.3). Sections that are not taken have port 0.
/// </summary>
public static class SdpAnswerWriter
{
    /// <summary>The answer. <paramref name="received"/> names the sections whose voice or picture the server takes.</summary>
    public static string Write(
        SdpOffer offer,
        SdpServerTransport transport,
        SdpVersion version,
        IReadOnlySet<string> received,
        IReadOnlyDictionary<string, SdpSentTrack> sent) =>

        // RFC 8842 §5.3: the answer to actpass and active is passive, the answer to passive is active.
        Write(offer, transport, version, received, sent, offer.Setup == SdpSetup.Passive ? "active" : "passive");

    internal static string Write(
        SdpOffer offer,
        SdpServerTransport transport,
        SdpVersion version,
        IReadOnlySet<string> received,
        IReadOnlyDictionary<string, SdpSentTrack> sent,
        string setup)
    {
        var answer = new SessionDescription
        {
            Origin = new SdpOrigin("-", version.SessionId.ToString(CultureInfo.InvariantCulture), version.Version, "IP4", "127.0.0.1"),
        };
        answer.Attributes.Add(new("group", $"BUNDLE {string.Join(' ', offer.Sections.Where(s => s.IsTaken).Select(s => s.Mid))}"));
        if (offer.Description.Find("extmap-allow-mixed") is not null)
        {
            answer.Attributes.Add(new("extmap-allow-mixed", null));
        }

        answer.Attributes.Add(new("msid-semantic", " WMS *"));
        answer.Attributes.Add(new("ice-lite", null));
        var isTagged = true;
        foreach (var section in offer.Sections)
        {
            if (!section.IsTaken)
            {
                answer.Media.Add(Refuse(section));
                continue;
            }

            answer.Media.Add(Take(section, transport, setup, received.Contains(section.Mid), sent.GetValueOrDefault(section.Mid), isTagged));
            isTagged = false;
        }

        return SdpWriter.Write(answer);
    }

    private static MediaDescription Refuse(SdpOfferedSection section)
    {
        var media = new MediaDescription
        {
            Kind = section.Media.Kind,
            Port = 0,
            Protocol = section.Media.Protocol,
            Formats = [.. section.Media.Formats],
            Connection = "IN IP4 0.0.0.0",
        };
        if (section.Mid.Length > 0)
        {
            media.Attributes.Add(new("mid", section.Mid));
        }

        media.Attributes.Add(new("inactive", null));
        return media;
    }

    private static MediaDescription Take(
        SdpOfferedSection section, SdpServerTransport transport, string setup, bool receives, SdpSentTrack? sent, bool isTagged)
    {
        var first = transport.Candidates[0];
        var media = new MediaDescription
        {
            Kind = section.Media.Kind,
            Port = first.Port,
            Protocol = section.Media.Protocol,
            Formats = [.. section.Codecs.Select(c => Number(c.PayloadType))],
            Connection = $"IN {(first.Address.Contains(':', StringComparison.Ordinal) ? "IP6" : "IP4")} {first.Address}",
        };
        var lines = media.Attributes;
        lines.Add(new("mid", section.Mid));
        AddTransport(lines, transport, setup);
        lines.Add(new("rtcp-mux", null));
        if (section.Media.Has("rtcp-rsize"))
        {
            lines.Add(new("rtcp-rsize", null));
        }

        if (section.Media.Has("extmap-allow-mixed"))
        {
            lines.Add(new("extmap-allow-mixed", null));
        }

        // From the server's side: it receives what the client sends.
        lines.Add(new(SdpMediaAttributes.NameOf((receives, sent is not null) switch
        {
            (true, true) => SdpDirection.SendRecv,
            (true, false) => SdpDirection.RecvOnly,
            (false, true) => SdpDirection.SendOnly,
            _ => SdpDirection.Inactive,
        }), null));
        AddCodecs(lines, section);
        foreach (var extension in section.Extensions)
        {
            var direction = SdpMediaAttributes.Reverse(extension.Direction);
            var suffix = direction == SdpDirection.SendRecv ? "" : $"/{SdpMediaAttributes.NameOf(direction)}";
            lines.Add(new("extmap", $"{Number(extension.Id)}{suffix} {extension.Uri}"));
        }

        AddRids(lines, section, receives);
        AddSources(lines, sent);
        if (isTagged)
        {
            // RFC 9143 §7.3.2: candidates stand in the section that the bundle takes its address from.
            foreach (var candidate in transport.Candidates)
            {
                lines.Add(new("candidate", candidate.Value["candidate:".Length..]));
            }

            lines.Add(new("end-of-candidates", null));
        }

        return media;
    }

    private static void AddTransport(List<SdpAttribute> lines, SdpServerTransport transport, string setup)
    {
        lines.Add(new("ice-ufrag", transport.IceUsernameFragment));
        lines.Add(new("ice-pwd", transport.IcePassword));
        foreach (var fingerprint in transport.Fingerprints)
        {
            lines.Add(new("fingerprint", $"{fingerprint.Algorithm} {fingerprint.Value}"));
        }

        lines.Add(new("setup", setup));
    }

    private static void AddCodecs(List<SdpAttribute> lines, SdpOfferedSection section)
    {
        foreach (var codec in section.Codecs)
        {
            var name = codec.MimeType[(codec.MimeType.IndexOf('/', StringComparison.Ordinal) + 1)..];
            var channels = codec.Channels is > 1 ? $"/{Number(codec.Channels.Value)}" : "";
            lines.Add(new("rtpmap", $"{Number(codec.PayloadType)} {name}/{Number(codec.ClockRate)}{channels}"));
            foreach (var feedback in codec.RtcpFeedback)
            {
                var parameter = string.IsNullOrEmpty(feedback.Parameter) ? "" : $" {feedback.Parameter}";
                lines.Add(new("rtcp-fb", $"{Number(codec.PayloadType)} {feedback.Type}{parameter}"));
            }

            // The client's own: what it offers to do, such as in-band FEC and DTX, is what receivers here can take.
            if (codec.Parameters.Count > 0)
            {
                lines.Add(new("fmtp", $"{Number(codec.PayloadType)} {string.Join(';', codec.Parameters.Select(Format))}"));
            }
        }
    }

    private static string Format(KeyValuePair<string, JsonElement> field)
    {
        var value = field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString()! : field.Value.GetRawText();
        return value.Length == 0 ? field.Key : $"{field.Key}={value}";
    }

    /// <summary>RFC 8853 §5.2: what the client sends is received under the same rids.</summary>
    private static void AddRids(List<SdpAttribute> lines, SdpOfferedSection section, bool receives)
    {
        string[] rids = [.. section.SendParameters?.Encodings.Where(e => e.Rid is not null).Select(e => e.Rid!) ?? []];
        if (!receives || rids.Length == 0)
        {
            return;
        }

        foreach (var rid in rids)
        {
            lines.Add(new("rid", $"{rid} recv"));
        }

        lines.Add(new("simulcast", $"recv {string.Join(';', rids)}"));
    }

    private static void AddSources(List<SdpAttribute> lines, SdpSentTrack? sent)
    {
        if (sent is null)
        {
            return;
        }

        lines.Add(new("msid", $"{sent.StreamId} {sent.TrackId}"));
        foreach (var encoding in sent.Parameters.Encodings)
        {
            if (encoding.Ssrc is not { } ssrc)
            {
                continue;
            }

            var cname = sent.Parameters.Rtcp.Cname ?? "voice";
            if (encoding.Rtx is { } group)
            {
                lines.Add(new("ssrc-group", string.Create(CultureInfo.InvariantCulture, $"FID {ssrc} {group.Ssrc}")));
            }

            // Browsers take the first source that they read for the stream itself, whatever the group says.
            lines.Add(new("ssrc", string.Create(CultureInfo.InvariantCulture, $"{ssrc} cname:{cname}")));
            if (encoding.Rtx is { } rtx)
            {
                lines.Add(new("ssrc", string.Create(CultureInfo.InvariantCulture, $"{rtx.Ssrc} cname:{cname}")));
            }
        }
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
