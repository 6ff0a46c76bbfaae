using System.Text.Json;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>From the producer's payload types to the router's.</summary>
/// <param name="PayloadTypes">Router payload type by producer payload type.</param>
internal sealed record ProducerMapping(Dictionary<int, int> PayloadTypes);

/// <summary>
/// The rules by which producers, the router and consumers agree on codecs, payload types, extensions and streams
/// (mediasoup's documentation, "RTP Parameters and Capabilities"). Runs at set-up only, never per packet.
/// </summary>
internal static class Ortc
{
    /// <summary>Maps a producer's payload types to the router's; an error names the codec that the router lacks.</summary>
    public static ProducerMapping? MapProducer(RtpParameters parameters, MediaKind kind, RtpCapabilities router, out string? error)
    {
        error = null;
        var map = new Dictionary<int, int>();
        var capabilities = new Dictionary<int, RtpCodecCapability>();
        foreach (var codec in parameters.Codecs)
        {
            if (KindOf(codec.MimeType) != kind)
            {
                error = $"{codec.MimeType} is not a codec of this kind.";
                return null;
            }

            if (IsRtx(codec.MimeType))
            {
                continue;
            }

            var match = Array.Find(router.Codecs, c => !IsRtx(c.MimeType) && Matches(codec, c));
            if (match is null)
            {
                error = $"The router has no codec like {codec.MimeType} with payload type {codec.PayloadType}.";
                return null;
            }

            if (!map.TryAdd(codec.PayloadType, match.PreferredPayloadType!.Value))
            {
                error = $"Payload type {codec.PayloadType} is declared twice.";
                return null;
            }

            capabilities[codec.PayloadType] = match;
            if (RedundantAudio.IsRed(codec.MimeType) && RedundantAudio.BlockTypeOf(parameters.Codecs) is null)
            {
                error = "audio/red needs audio/opus beside it, or the payload type of its blocks in its parameters, such as 111/111.";
                return null;
            }
        }

        if (map.Count == 0)
        {
            error = "There is no media codec.";
            return null;
        }

        foreach (var codec in parameters.Codecs)
        {
            if (!IsRtx(codec.MimeType))
            {
                continue;
            }

            if (CodecFields.Int(codec.Parameters, CodecFields.AssociatedPayloadType) is not { } apt || !capabilities.TryGetValue(apt, out var media))
            {
                error = $"RTX payload type {codec.PayloadType} has no associated codec.";
                return null;
            }

            var rtx = Array.Find(router.Codecs, c => IsRtx(c.MimeType) && CodecFields.Int(c.Parameters, CodecFields.AssociatedPayloadType) == media.PreferredPayloadType);
            if (rtx is null)
            {
                error = $"The router has no RTX for {media.MimeType}.";
                return null;
            }

            if (!map.TryAdd(codec.PayloadType, rtx.PreferredPayloadType!.Value))
            {
                error = $"Payload type {codec.PayloadType} is declared twice.";
                return null;
            }
        }

        return new ProducerMapping(map);
    }

    /// <summary>The producer's parameters as the router offers them: its payload types, its extension ids, no streams' names.</summary>
    public static RtpParameters MakeConsumable(RtpParameters producer, MediaKind kind, RtpCapabilities router, ProducerMapping mapping)
    {
        var codecs = new List<RtpCodecParameters>();
        foreach (var codec in producer.Codecs)
        {
            if (IsRtx(codec.MimeType))
            {
                continue;
            }

            var payloadType = mapping.PayloadTypes[codec.PayloadType];
            var capability = Array.Find(router.Codecs, c => c.PreferredPayloadType == payloadType)!;
            codecs.Add(new RtpCodecParameters
            {
                MimeType = capability.MimeType,
                PayloadType = payloadType,
                ClockRate = capability.ClockRate,
                Channels = capability.Channels,

                // The producer's own: the receiver must know, for instance, that it sends in-band FEC.
                Parameters = codec.Parameters,
                RtcpFeedback = capability.RtcpFeedback,
            });

            var rtx = Array.Find(router.Codecs, c => IsRtx(c.MimeType) && CodecFields.Int(c.Parameters, CodecFields.AssociatedPayloadType) == payloadType);
            if (rtx is not null)
            {
                codecs.Add(new RtpCodecParameters
                {
                    MimeType = rtx.MimeType,
                    PayloadType = rtx.PreferredPayloadType!.Value,
                    ClockRate = rtx.ClockRate,
                    Parameters = rtx.Parameters,
                    RtcpFeedback = rtx.RtcpFeedback,
                });
            }
        }

        RedundantAudio.Arrange(codecs, router);
        return new RtpParameters
        {
            Codecs = [.. codecs],
            HeaderExtensions =
            [
                .. from e in router.HeaderExtensions
                   where e.Kind == kind && e.Direction is HeaderExtensionDirection.SendRecv or HeaderExtensionDirection.SendOnly
                   select new RtpHeaderExtensionParameters { Uri = e.Uri, Id = e.PreferredId, Encrypt = e.PreferredEncrypt },
            ],
            Encodings =
            [
                .. from e in producer.Encodings
                   select new RtpEncodingParameters { ScalabilityMode = e.ScalabilityMode, Dtx = e.Dtx, MaxBitrate = e.MaxBitrate },
            ],
            Rtcp = new RtcpParameters { Cname = producer.Rtcp.Cname, ReducedSize = true },
        };
    }

    /// <summary>True when an endpoint of these capabilities can receive the producer.</summary>
    public static bool CanConsume(RtpParameters consumable, RtpCapabilities capabilities)
        => Array.Exists(consumable.Codecs, codec => !IsRtx(codec.MimeType) && !RedundantAudio.IsRed(codec.MimeType) && Array.Exists(capabilities.Codecs, c => Matches(codec, c)));

    /// <summary>
    /// A consumer's parameters: the common codecs and extensions with the router's payload types and ids, one encoding,
    /// RTX right after its codec. Null when no codec is common.
    /// </summary>
    public static RtpParameters? MakeConsumer(RtpParameters consumable, RtpCapabilities capabilities, string mid, uint ssrc, uint rtxSsrc)
    {
        var codecs = new List<RtpCodecParameters>();
        foreach (var codec in consumable.Codecs)
        {
            if (!IsRtx(codec.MimeType))
            {
                var match = Array.Find(capabilities.Codecs, c => Matches(codec, c));
                if (match is not null && (codecs.Count > 0 || !RedundantAudio.IsRed(codec.MimeType)))
                {
                    codecs.Add(codec with { RtcpFeedback = [.. codec.RtcpFeedback.Where(f => Has(match.RtcpFeedback, f))] });
                }
            }
            else if (codecs.Count > 0
                && CodecFields.Int(codec.Parameters, CodecFields.AssociatedPayloadType) == codecs[^1].PayloadType
                && SupportsRtx(capabilities, codecs[^1]))
            {
                codecs.Add(codec);
            }
        }

        if (codecs.Count == 0)
        {
            return null;
        }

        var extensions = consumable.HeaderExtensions
            .Where(e => Array.Exists(capabilities.HeaderExtensions, c => c.PreferredId == e.Id && c.Uri == e.Uri))
            .ToArray();

        // One congestion control only: transport-cc where its extension is agreed, else REMB where abs-send-time is.
        var hasTransportCc = Array.Exists(extensions, e => e.Uri == HeaderExtensionUris.TransportWideCc);
        var hasAbsSendTime = Array.Exists(extensions, e => e.Uri == HeaderExtensionUris.AbsSendTime);
        for (var i = 0; i < codecs.Count; i++)
        {
            codecs[i] = codecs[i] with
            {
                RtcpFeedback =
                [
                    .. codecs[i].RtcpFeedback.Where(f => f.Type switch
                    {
                        "transport-cc" => hasTransportCc,
                        "goog-remb" => !hasTransportCc && hasAbsSendTime,
                        _ => true,
                    }),
                ],
            };
        }

        var rtx = codecs.Count > 1 && IsRtx(codecs[1].MimeType);
        return new RtpParameters
        {
            Mid = mid,
            Codecs = [.. codecs],
            HeaderExtensions = extensions,
            Encodings = [new RtpEncodingParameters { Ssrc = ssrc, Rtx = rtx ? new RtxParameters { Ssrc = rtxSsrc } : null, ScalabilityMode = ScalabilityOf(consumable) }],
            Rtcp = new RtcpParameters { Cname = consumable.Rtcp.Cname, ReducedSize = true },
        };
    }

    /// <summary>
    /// A consumer's parameters when its client and its door have agreed on payload types and extension ids by themselves, as
    /// in SDP: those are kept, streams are added. Null when no codec is common.
    /// </summary>
    public static RtpParameters? MakeNegotiated(RtpParameters consumable, RtpParameters negotiated, uint ssrc, uint rtxSsrc, out ConsumerMapping mapping)
    {
        mapping = new ConsumerMapping();
        var codecs = new List<RtpCodecParameters>();
        var hasRtx = false;
        foreach (var codec in consumable.Codecs.Where(c => !IsRtx(c.MimeType)))
        {
            var own = Array.Find(negotiated.Codecs, c => !IsRtx(c.MimeType) && Matches(c, codec));
            if (own is null || (codecs.Count == 0 && RedundantAudio.IsRed(codec.MimeType)))
            {
                // Redundant audio comes behind its Opus.
                continue;
            }

            mapping.Map(codec.PayloadType, own.PayloadType);
            codecs.Add(own);
            var rtx = Array.Find(negotiated.Codecs, c => IsRtx(c.MimeType) && CodecFields.Int(c.Parameters, CodecFields.AssociatedPayloadType) == own.PayloadType);
            if (rtx is not null && Array.Exists(consumable.Codecs, c => IsRtx(c.MimeType) && CodecFields.Int(c.Parameters, CodecFields.AssociatedPayloadType) == codec.PayloadType))
            {
                hasRtx = true;
                codecs.Add(rtx);
            }
        }

        if (codecs.Count == 0)
        {
            return null;
        }

        var extensions = new List<RtpHeaderExtensionParameters>();
        foreach (var extension in negotiated.HeaderExtensions.Where(e => e.Id <= ConsumerMapping.MaxExtensionId).DistinctBy(e => e.Id).DistinctBy(e => e.Uri))
        {
            if (Array.Find(consumable.HeaderExtensions, e => e.Uri == extension.Uri) is { } routed)
            {
                mapping.MapExtension(extension.Uri, routed.Id, extension.Id);
                extensions.Add(extension);
            }
        }

        return negotiated with
        {
            Codecs = [.. codecs],
            HeaderExtensions = [.. extensions],
            Encodings = [new RtpEncodingParameters { Ssrc = ssrc, Rtx = hasRtx ? new RtxParameters { Ssrc = rtxSsrc } : null }],
            Rtcp = new RtcpParameters { Cname = consumable.Rtcp.Cname, ReducedSize = true, Mux = negotiated.Rtcp.Mux },
        };
    }

    /// <summary>
    /// What goes through a pipe to another router: every encoding as a stream of its own, with the router's payload types and
    /// extension ids. No congestion control: nodes stand in one network, and a client's estimate is for its own way only.
    /// </summary>
    public static RtpParameters MakePipe(RtpParameters consumable, string mid, bool enableRtx, Func<uint> nextSsrc)
    {
        RtpCodecParameters[] codecs =
        [
            .. from codec in consumable.Codecs
               where enableRtx || !IsRtx(codec.MimeType)
               let isVideo = KindOf(codec.MimeType) == MediaKind.Video
               select codec with { RtcpFeedback = [.. codec.RtcpFeedback.Where(f => isVideo && f.Type is "nack" or "ccm")] },
        ];
        var hasRtx = Array.Exists(codecs, c => IsRtx(c.MimeType));
        return new RtpParameters
        {
            Mid = mid,
            Codecs = codecs,
            HeaderExtensions = [.. consumable.HeaderExtensions.Where(e => e.Uri != HeaderExtensionUris.TransportWideCc)],
            Encodings =
            [
                .. from e in consumable.Encodings
                   select new RtpEncodingParameters
                   {
                       Ssrc = nextSsrc(),
                       Rtx = hasRtx ? new RtxParameters { Ssrc = nextSsrc() } : null,
                       ScalabilityMode = e.ScalabilityMode,
                       Dtx = e.Dtx,
                       MaxBitrate = e.MaxBitrate,
                   },
            ],
            Rtcp = new RtcpParameters { Cname = consumable.Rtcp.Cname, ReducedSize = true },
        };
    }

    /// <summary>What the router itself sends as sound: the loudest in a slot, or the mix.</summary>
    public static RtpParameters MakeRouterAudio(RtpCapabilities router, string cname) => MakeConsumable(
        new RtpParameters
        {
            Codecs =
            [
                .. from c in router.Codecs
                   where c.Kind == MediaKind.Audio
                   select new RtpCodecParameters { MimeType = c.MimeType, PayloadType = c.PreferredPayloadType!.Value, ClockRate = c.ClockRate, Channels = c.Channels },
            ],
            Encodings = [new RtpEncodingParameters()],
            Rtcp = new RtcpParameters { Cname = cname },
        },
        MediaKind.Audio,
        router,
        new ProducerMapping(router.Codecs.Where(c => c.Kind == MediaKind.Audio).ToDictionary(c => c.PreferredPayloadType!.Value, c => c.PreferredPayloadType!.Value)));

    public static bool IsRtx(string mimeType) => mimeType.EndsWith("/rtx", StringComparison.OrdinalIgnoreCase);

    public static MediaKind KindOf(string mimeType) => mimeType.StartsWith("audio/", StringComparison.OrdinalIgnoreCase) ? MediaKind.Audio : MediaKind.Video;

    /// <summary>The temporal layers of a scalability mode such as L1T3; 1 when there is none.</summary>
    public static int TemporalLayersOf(string? scalabilityMode)
    {
        // LxTy and SxTy of "Scalable Video Coding Extension for WebRTC" (W3C).
        if (scalabilityMode is { Length: >= 4 } mode && mode[0] is 'L' or 'S')
        {
            var t = mode.IndexOf('T');
            if (t > 0 && t + 1 < mode.Length && char.IsAsciiDigit(mode[t + 1]))
            {
                return Math.Max(1, mode[t + 1] - '0');
            }
        }

        return 1;
    }

    private static string? ScalabilityOf(RtpParameters consumable)
    {
        if (consumable.Encodings.Length <= 1)
        {
            return consumable.Encodings.Length == 0 ? null : consumable.Encodings[0].ScalabilityMode;
        }

        return $"L{consumable.Encodings.Length}T{TemporalLayersOf(consumable.Encodings[0].ScalabilityMode)}";
    }

    private static bool Has(RtcpFeedback[] feedback, RtcpFeedback wanted)
        => Array.Exists(feedback, f => f.Type == wanted.Type && (f.Parameter ?? "") == (wanted.Parameter ?? ""));

    // A client's apt is its own payload type, which mediasoup-client makes the router's; other clients may differ.
    private static bool SupportsRtx(RtpCapabilities capabilities, RtpCodecParameters codec)
    {
        var own = Array.Find(capabilities.Codecs, c => Matches(codec, c));
        return Array.Exists(capabilities.Codecs, c => IsRtx(c.MimeType)
            && CodecFields.Int(c.Parameters, CodecFields.AssociatedPayloadType) is { } apt
            && (apt == own?.PreferredPayloadType || apt == codec.PayloadType));
    }

    public static bool Matches(RtpCodecParameters a, RtpCodecCapability b)
        => a.MimeType.Equals(b.MimeType, StringComparison.OrdinalIgnoreCase)
            && a.ClockRate == b.ClockRate
            && (a.Channels ?? 1) == (b.Channels ?? 1)
            && FieldsMatch(a.MimeType, a.Parameters, b.Parameters);

    private static bool Matches(RtpCodecParameters a, RtpCodecParameters b)
        => a.MimeType.Equals(b.MimeType, StringComparison.OrdinalIgnoreCase)
            && a.ClockRate == b.ClockRate
            && (a.Channels ?? 1) == (b.Channels ?? 1)
            && FieldsMatch(a.MimeType, a.Parameters, b.Parameters);

    private static bool FieldsMatch(string mimeType, Dictionary<string, JsonElement> a, Dictionary<string, JsonElement> b)
    {
        switch (mimeType.ToLowerInvariant())
        {
            case "video/h264":
                var profile = H264ProfileLevelId.ProfileOf(CodecFields.String(a, CodecFields.ProfileLevelId));
                return profile != H264Profile.Unknown
                    && profile == H264ProfileLevelId.ProfileOf(CodecFields.String(b, CodecFields.ProfileLevelId))
                    && (CodecFields.Int(a, CodecFields.PacketizationMode) ?? 0) == (CodecFields.Int(b, CodecFields.PacketizationMode) ?? 0);
            case "video/vp9":
                return (CodecFields.Int(a, CodecFields.Vp9Profile) ?? 0) == (CodecFields.Int(b, CodecFields.Vp9Profile) ?? 0);
            default:
                return true;
        }
    }
}
