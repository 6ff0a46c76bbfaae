using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Sdp;

/// <summary>
/// Reads what a client offers and says clearly what is wrong with it. Taken are sections of one BUNDLE group with rtcp-mux over
/// DTLS-SRTP (RFC 8829 §5.3.1, RFC 9143); everything else in the offer is left out, or refuses it.
/// </summary>
public sealed class SdpOfferReader(RtpCapabilities router, bool takesVideo)
{
    /// <summary>RFC 8839 §5.4: 4 to 256 ice-chars of fragment and 22 to 256 of password.</summary>
    private const int MinFragment = 4;
    private const int MinPassword = 22;
    private const int MaxCredential = 256;

    private readonly SdpSectionReader _sections = new(router);

    /// <summary>Reads an offer. Never throws on input; the fault is one sentence.</summary>
    public bool TryRead(string? text, [NotNullWhen(true)] out SdpOffer? offer, [NotNullWhen(false)] out SdpFault? fault)
    {
        offer = null;
        if (!SdpParser.TryParse(text, out var description, out var error))
        {
            fault = Invalid($"The SDP is malformed: {error}.");
            return false;
        }

        if (description.BundleGroups().FirstOrDefault() is not { Length: > 0 } bundle)
        {
            fault = Invalid("The offer has no a=group:BUNDLE: all media must share one transport (RFC 9143).");
            return false;
        }

        List<SdpOfferedSection> sections = [];
        MediaDescription? tagged = null;
        var hasWrongCodecs = false;
        foreach (var media in description.Media)
        {
            if (!IsCandidate(media, bundle))
            {
                sections.Add(Refused(media));
                continue;
            }

            if (!media.Has("rtcp-mux"))
            {
                fault = Invalid($"The section with mid {media.Mid} has no a=rtcp-mux: RTP and RTCP must share one port (RFC 5761).");
                return false;
            }

            var section = _sections.Read(description, media, out fault);
            if (fault is { Kind: SdpFaultKind.Invalid })
            {
                return false;
            }

            hasWrongCodecs |= fault is not null;
            sections.Add(section ?? Refused(media));
            tagged ??= section is null ? null : media;
        }

        if (tagged is null)
        {
            fault = hasWrongCodecs
                ? new SdpFault(SdpFaultKind.NoCommonCodec, "No media section of the offer has a codec that the server knows; audio must offer opus/48000/2.")
                : Invalid(takesVideo ? "The offer has no active audio or video section over UDP/TLS/RTP/SAVPF." : "The offer has no active audio section over UDP/TLS/RTP/SAVPF.");
            return false;
        }

        fault = ReadTransport(description, tagged, out var fragment, out var setup, out var dtls);
        if (fault is not null)
        {
            return false;
        }

        offer = new SdpOffer(description, sections) { IceUsernameFragment = fragment, Setup = setup, DtlsParametersJson = dtls };
        return true;
    }

    /// <summary>Only what both sides would have to carry: the kinds that are served, in the group, not disabled.</summary>
    private bool IsCandidate(MediaDescription media, string[] bundle) =>
        media.IsActive
        && (media.Kind == "audio" || (takesVideo && media.Kind == "video"))
        && media.Protocol is "UDP/TLS/RTP/SAVPF" or "UDP/TLS/RTP/SAVP" or "RTP/SAVPF"
        && Mid.TryParse(media.Mid, out _)
        && bundle.Contains(media.Mid, StringComparer.Ordinal);

    private static SdpOfferedSection Refused(MediaDescription media) => new() { Media = media, Mid = media.Mid ?? "", IsTaken = false };

    /// <summary>ICE, fingerprint and role of the bundle: those of its first section (RFC 9143 §7.1.3).</summary>
    private static SdpFault? ReadTransport(
        SessionDescription description, MediaDescription media, out string fragment, out SdpSetup setup, out string dtlsParametersJson)
    {
        setup = SdpSetup.ActPass;
        dtlsParametersJson = "";
        fragment = description.Find(media, "ice-ufrag") ?? "";
        var password = description.Find(media, "ice-pwd") ?? "";
        if (!IsIceText(fragment, MinFragment) || !IsIceText(password, MinPassword))
        {
            return Invalid("a=ice-ufrag must be 4 to 256 and a=ice-pwd 22 to 256 ICE characters (RFC 8839 §5.4).");
        }

        switch (description.Find(media, "setup"))
        {
            case "actpass":
                break;
            case "active":
                setup = SdpSetup.Active;
                break;
            case "passive":
                setup = SdpSetup.Passive;
                break;
            default:
                return Invalid("a=setup must be actpass, active or passive (RFC 8842 §5.1).");
        }

        var fingerprints = Fingerprints(media.FindAll("fingerprint"));
        if (fingerprints.Count == 0)
        {
            fingerprints = Fingerprints(description.Attributes.Where(a => a.Name == "fingerprint" && a.Value is not null).Select(a => a.Value!));
        }

        if (fingerprints.Count == 0)
        {
            return Invalid("The offer has no valid a=fingerprint of sha-256, sha-384 or sha-512: media needs DTLS-SRTP.");
        }

        dtlsParametersJson = WriteDtls(setup, fingerprints);
        return null;
    }

    private static List<DtlsFingerprint> Fingerprints(IEnumerable<string> values)
    {
        List<DtlsFingerprint> found = [];
        foreach (var value in values)
        {
            if (SdpMediaAttributes.TryParseFingerprint(value, out var line)
                && DtlsFingerprint.TryParse(line.Algorithm, line.Value, out var fingerprint)
                && found.Count < 4)
            {
                found.Add(fingerprint);
            }
        }

        return found;
    }

    /// <summary>The answer to actpass and active is passive, so the client begins; a passive client is begun with.</summary>
    private static string WriteDtls(SdpSetup setup, List<DtlsFingerprint> fingerprints)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("role", setup == SdpSetup.Passive ? "server" : "client");
            json.WriteStartArray("fingerprints");
            foreach (var fingerprint in fingerprints)
            {
                json.WriteStartObject();
                json.WriteString("algorithm", fingerprint.Algorithm);
                json.WriteString("value", fingerprint.Value);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    // ice-char = ALPHA / DIGIT / "+" / "/" (RFC 8839 §5.4).
    private static bool IsIceText(string text, int least) =>
        text.Length >= least && text.Length <= MaxCredential && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '+' or '/' or '-' or '_' or '=');

    private static SdpFault Invalid(string message) => new(SdpFaultKind.Invalid, message);
}
