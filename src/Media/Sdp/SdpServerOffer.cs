using System.Diagnostics.CodeAnalysis;

namespace VoiceCluster.Media.Sdp;

/// <summary>
/// The server's own offer on a transport that a client has opened: the sections that were negotiated, and more
/// (<see cref="SdpOffer.WithSection"/>). Section by section it says what an answer would say (RFC 8829 §5.2.2).
/// </summary>
public static class SdpServerOffer
{
    /// <summary>The offer. What is neither received nor sent any more becomes inactive; sections never go.</summary>
    public static string Write(
        SdpOffer negotiated,
        SdpServerTransport transport,
        SdpVersion version,
        IReadOnlySet<string> received,
        IReadOnlyDictionary<string, SdpSentTrack> sent) =>

        // RFC 8842 §5.2: every offer says actpass, also where the roles are settled.
        SdpAnswerWriter.Write(negotiated, transport, version, received, sent, "actpass");

    /// <summary>Reads a client's answer to it. Never throws on input; the fault is one sentence.</summary>
    public static bool TryReadAnswer(
        SdpOffer offered, string? text, [NotNullWhen(true)] out SdpClientAnswer? answer, [NotNullWhen(false)] out SdpFault? fault)
    {
        answer = null;
        if (!SdpParser.TryParse(text, out var description, out var error))
        {
            fault = Invalid($"The SDP is malformed: {error}.");
            return false;
        }

        if (description.Media.Count != offered.Sections.Count)
        {
            fault = Invalid($"The answer has {description.Media.Count} media sections, the offer {offered.Sections.Count} (RFC 3264 §6).");
            return false;
        }

        List<SdpAnsweredSection> sections = [];
        MediaDescription? tagged = null;
        foreach (var (section, media) in offered.Sections.Zip(description.Media))
        {
            if (!section.IsTaken || !media.IsActive)
            {
                sections.Add(new SdpAnsweredSection(section.Mid, false, SdpDirection.Inactive));
                continue;
            }

            fault = Check(section, media);
            if (fault is not null)
            {
                return false;
            }

            tagged ??= media;
            sections.Add(new SdpAnsweredSection(section.Mid, true, SdpMediaAttributes.Direction(description, media)));
        }

        if (tagged is null)
        {
            fault = Invalid("The answer takes no section of the offer.");
            return false;
        }

        fault = SdpOfferReader.ReadTransport(description, tagged, out var fragment, out var setup, out var dtls);
        if (fault is null && setup == SdpSetup.ActPass)
        {
            fault = Invalid("An answer's a=setup must be active or passive (RFC 8842 §5.3).");
        }

        if (fault is not null)
        {
            return false;
        }

        answer = new SdpClientAnswer(fragment, dtls, sections);
        return true;
    }

    private static SdpFault? Check(SdpOfferedSection section, MediaDescription media)
    {
        if (media.Kind != section.Media.Kind || (media.Mid is { } mid && mid != section.Mid))
        {
            return Invalid($"The answer's section with mid {media.Mid} stands where the offer has {section.Media.Kind} with mid {section.Mid}.");
        }

        if (!media.Has("rtcp-mux"))
        {
            return Invalid($"The section with mid {section.Mid} has no a=rtcp-mux: RTP and RTCP must share one port (RFC 5761).");
        }

        return section.Codecs.Any(c => media.Formats.Contains(c.PayloadType.ToString(System.Globalization.CultureInfo.InvariantCulture)))
            ? null
            : new SdpFault(SdpFaultKind.NoCommonCodec, $"The section with mid {section.Mid} takes no codec of the offer.");
    }

    private static SdpFault Invalid(string message) => new(SdpFaultKind.Invalid, message);
}

/// <summary>A client's answer.</summary>
/// <param name="IceUsernameFragment">The client's ICE user name fragment.</param>
/// <param name="DtlsParametersJson">Its DTLS role and fingerprints, as mediasoup's dtlsParameters.</param>
/// <param name="Sections">One for each section of the offer, in its order.</param>
public sealed record SdpClientAnswer(string IceUsernameFragment, string DtlsParametersJson, IReadOnlyList<SdpAnsweredSection> Sections);

/// <summary>What a client answers to one section.</summary>
/// <param name="Direction">From the client's side.</param>
public readonly record struct SdpAnsweredSection(string Mid, bool IsAccepted, SdpDirection Direction);
