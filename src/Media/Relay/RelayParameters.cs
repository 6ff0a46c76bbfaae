using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Relay;

/// <summary>What a relay transport sends and receives, as mediasoup's parameters: Opus, without header extensions.</summary>
public static class RelayParameters
{
    /// <summary>What the client sends.</summary>
    public static RtpParameters Producer { get; } = Make([new RtpEncodingParameters { Ssrc = RelayTransport.ProducerSsrc }]);

    /// <summary>The mix for the client.</summary>
    public static RtpParameters Mix { get; } = Make([]);

    /// <summary>What the client can receive.</summary>
    public static RtpCapabilities Capabilities { get; } = new()
    {
        Codecs = [.. Router.RtpCapabilities.Codecs.Where(c => c.Kind == MediaKind.Audio).Select(c => c with { RtcpFeedback = [] })],
        HeaderExtensions = [],
    };

    private static RtpParameters Make(RtpEncodingParameters[] encodings) => new()
    {
        Codecs =
        [
            .. from c in Router.RtpCapabilities.Codecs
               where c.Kind == MediaKind.Audio
               select new RtpCodecParameters { MimeType = c.MimeType, PayloadType = c.PreferredPayloadType!.Value, ClockRate = c.ClockRate, Channels = c.Channels },
        ],
        Encodings = encodings,
    };
}
