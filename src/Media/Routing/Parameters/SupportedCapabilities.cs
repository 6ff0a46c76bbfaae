using System.Text.Json;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>What every router offers, with fixed payload types and extension ids, in mediasoup's form and order.</summary>
public static class SupportedCapabilities
{
    /// <summary>mediasoup's first dynamic payload type; codecs and their RTX count up from here.</summary>
    private const int FirstPayloadType = 100;

    /// <summary>The router's payload type of Opus, also of the blocks in redundant audio.</summary>
    public const int OpusPayloadType = FirstPayloadType;

    /// <summary>Behind those of all others, which are therefore the same with redundant audio and without.</summary>
    private const int RedPayloadType = 112;

    private static readonly RtcpFeedback[] AudioFeedback = [new("nack"), new("transport-cc")];

    private static readonly RtcpFeedback[] VideoFeedback =
    [
        new("nack"), new("nack", "pli"), new("ccm", "fir"), new("goog-remb"), new("transport-cc"),
    ];

    /// <summary>Makes the capabilities; the caller keeps the one instance.</summary>
    /// <param name="withRed">Whether redundant audio (RFC 2198) is among them, behind Opus, which stays what clients send that do not ask for it.</param>
    public static RtpCapabilities Create(bool withRed = false)
    {
        var codecs = new List<RtpCodecCapability>();
        Add(codecs, MediaKind.Audio, "audio/opus", 48_000, 2, ("minptime", CodecFields.Number(10)), ("useinbandfec", CodecFields.Number(1)));
        Add(codecs, MediaKind.Video, "video/VP8", 90_000, null);
        Add(codecs, MediaKind.Video, "video/VP9", 90_000, null, (CodecFields.Vp9Profile, CodecFields.Number(0)));
        Add(codecs, MediaKind.Video, "video/VP9", 90_000, null, (CodecFields.Vp9Profile, CodecFields.Number(2)));
        foreach (var profile in (string[])["42e01f", "4d0032"])
        {
            Add(
                codecs,
                MediaKind.Video,
                "video/H264",
                90_000,
                null,
                ("level-asymmetry-allowed", CodecFields.Number(1)),
                (CodecFields.PacketizationMode, CodecFields.Number(1)),
                (CodecFields.ProfileLevelId, CodecFields.Text(profile)));
        }

        if (withRed)
        {
            codecs.Insert(1, codecs[0] with { MimeType = RedundantAudio.MimeType, PreferredPayloadType = RedPayloadType, Parameters = RedundantAudio.FieldsOf(OpusPayloadType) });
        }

        return new RtpCapabilities { Codecs = [.. codecs], HeaderExtensions = Extensions() };
    }

    private static void Add(List<RtpCodecCapability> codecs, MediaKind kind, string mimeType, int clockRate, int? channels, params (string Name, JsonElement Value)[] fields)
    {
        var payloadType = FirstPayloadType + codecs.Count;
        codecs.Add(new RtpCodecCapability
        {
            Kind = kind,
            MimeType = mimeType,
            PreferredPayloadType = payloadType,
            ClockRate = clockRate,
            Channels = channels,
            Parameters = fields.ToDictionary(f => f.Name, f => f.Value),
            RtcpFeedback = kind == MediaKind.Audio ? AudioFeedback : VideoFeedback,
        });

        if (kind == MediaKind.Video)
        {
            codecs.Add(new RtpCodecCapability
            {
                Kind = kind,
                MimeType = "video/rtx",
                PreferredPayloadType = payloadType + 1,
                ClockRate = clockRate,
                Parameters = new Dictionary<string, JsonElement> { [CodecFields.AssociatedPayloadType] = CodecFields.Number(payloadType) },
            });
        }
    }

    private static RtpHeaderExtension[] Extensions()
    {
        const MediaKind audio = MediaKind.Audio;
        const MediaKind video = MediaKind.Video;
        return
        [
            One(audio, HeaderExtensionUris.Mid, 1),
            One(video, HeaderExtensionUris.Mid, 1),
            One(video, HeaderExtensionUris.RtpStreamId, 2, HeaderExtensionDirection.RecvOnly),
            One(video, HeaderExtensionUris.RepairedRtpStreamId, 3, HeaderExtensionDirection.RecvOnly),
            One(audio, HeaderExtensionUris.AbsSendTime, 4),
            One(video, HeaderExtensionUris.AbsSendTime, 4),

            // Audio counts in the sender's congestion control but is not held back on the way down.
            One(audio, HeaderExtensionUris.TransportWideCc, 5, HeaderExtensionDirection.RecvOnly),
            One(video, HeaderExtensionUris.TransportWideCc, 5),
            One(audio, HeaderExtensionUris.AudioLevel, 10),
            One(video, HeaderExtensionUris.VideoOrientation, 11),
            One(video, HeaderExtensionUris.TimeOffset, 12),
            One(audio, HeaderExtensionUris.AbsCaptureTime, 13),
            One(video, HeaderExtensionUris.AbsCaptureTime, 13),
            One(audio, HeaderExtensionUris.PlayoutDelay, 14),
            One(video, HeaderExtensionUris.PlayoutDelay, 14),
        ];
    }

    private static RtpHeaderExtension One(MediaKind kind, string uri, int id, HeaderExtensionDirection direction = HeaderExtensionDirection.SendRecv) => new()
    {
        Kind = kind,
        Uri = uri,
        PreferredId = id,
        PreferredEncrypt = false,
        Direction = direction,
    };
}
