using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Sdp;

/// <summary>Who begins the DTLS handshake, from the describer's side (RFC 8842 §5.1).</summary>
public enum SdpSetup
{
    /// <summary>The answerer chooses.</summary>
    ActPass,

    /// <summary>The describer begins.</summary>
    Active,

    /// <summary>The describer waits.</summary>
    Passive,
}

/// <summary>What kind of refusal a description gets.</summary>
public enum SdpFaultKind
{
    /// <summary>It is malformed, or asks for what no WebRTC endpoint does.</summary>
    Invalid,

    /// <summary>It is sound, but has no codec that the router has.</summary>
    NoCommonCodec,
}

/// <summary>Why a description is refused.</summary>
/// <param name="Message">One English sentence for the client's developer.</param>
public sealed record SdpFault(SdpFaultKind Kind, string Message);

/// <summary>
/// A client's offer as far as a server takes it: one bundled transport, and for each section what the client sends and what it
/// can receive, in mediasoup's parameters with the client's own payload types and extension ids.
/// </summary>
public sealed class SdpOffer
{
    internal SdpOffer(SessionDescription description, IReadOnlyList<SdpOfferedSection> sections) =>
        (Description, Sections) = (description, sections);

    /// <summary>The description as it was read.</summary>
    public SessionDescription Description { get; }

    /// <summary>One for each media section of the offer, in its order.</summary>
    public IReadOnlyList<SdpOfferedSection> Sections { get; }

    /// <summary>The id of the <c>o=</c> line. Most clients keep it for the life of a peer connection; aiortc does not.</summary>
    public string SessionId => Description.Origin.SessionId;

    /// <summary>The client's ICE user name fragment; another one in a later offer is an ICE restart (RFC 8839 §4.4.1.1.1).</summary>
    public required string IceUsernameFragment { get; init; }

    /// <summary>The client's DTLS role and fingerprints, as mediasoup's dtlsParameters.</summary>
    public required string DtlsParametersJson { get; init; }

    /// <summary>What the client says of its DTLS role.</summary>
    public required SdpSetup Setup { get; init; }

    /// <summary>
    /// The same with one more section, in which the server wants to send: the way to a server's own offer. Codec and extensions
    /// are those that the client has offered for the kind; null when it has offered none, or the mid is taken.
    /// </summary>
    public SdpOffer? WithSection(string mid, MediaKind kind)
    {
        var model = Sections.FirstOrDefault(s => s.IsTaken && s.Kind == kind);
        if (model is null || Sections.Any(s => s.Mid == mid) || !Rtp.Mid.TryParse(mid, out _))
        {
            return null;
        }

        // RFC 9143 §7.1.3: in one bundle a payload type and an extension id mean the same in every section.
        var receive = new RtpParameters
        {
            Mid = mid,
            Codecs = [.. model.Codecs],
            HeaderExtensions =
            [
                .. (model.ReceiveParameters ?? model.SendParameters)!.HeaderExtensions.Where(e => e.Uri != Rtp.HeaderExtensionUris.TransportWideCc || kind == MediaKind.Video),
            ],
        };
        var section = new SdpOfferedSection
        {
            Media = new MediaDescription { Kind = model.Media.Kind, Port = model.Media.Port, Protocol = model.Media.Protocol, Formats = model.Media.Formats },
            Mid = mid,
            IsTaken = true,
            Kind = kind,
            Direction = SdpDirection.RecvOnly,
            ReceiveParameters = receive,
            Extensions = model.Extensions,
            Codecs = model.Codecs,
        };
        return new SdpOffer(Description, [.. Sections, section])
        {
            IceUsernameFragment = IceUsernameFragment,
            DtlsParametersJson = DtlsParametersJson,
            Setup = Setup,
        };
    }
}

/// <summary>One media section of an offer.</summary>
public sealed class SdpOfferedSection
{
    /// <summary>The section as it was read.</summary>
    public required MediaDescription Media { get; init; }

    /// <summary>Its identification; empty for a section that is not taken and has none.</summary>
    public required string Mid { get; init; }

    /// <summary>False for what the client has disabled and for what the server does not do: the answer has port 0.</summary>
    public required bool IsTaken { get; init; }

    /// <summary>Audio or video; meaningful for a taken section.</summary>
    public MediaKind Kind { get; init; }

    /// <summary>From the client's side.</summary>
    public SdpDirection Direction { get; init; } = SdpDirection.Inactive;

    /// <summary>What the client sends, with its streams; null when it sends nothing here.</summary>
    public RtpParameters? SendParameters { get; init; }

    /// <summary>What the client can receive here, without streams; null when it wants nothing here.</summary>
    public RtpParameters? ReceiveParameters { get; init; }

    /// <summary>The extensions that the answer agrees to.</summary>
    internal IReadOnlyList<SdpExtensionMap> Extensions { get; init; } = [];

    /// <summary>The codec that is taken, followed by its RTX, or redundant audio followed by its Opus, as the client wrote them.</summary>
    internal IReadOnlyList<RtpCodecParameters> Codecs { get; init; } = [];
}
