using System.Globalization;
using System.Text.Json;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Sdp;

/// <summary>Negotiates one media section with the router's capabilities (RFC 8829 §5.3.1, RFC 3264 §6.1).</summary>
internal sealed class SdpSectionReader(RtpCapabilities router)
{
    private const int MaxSources = 32;
    private const int MaxRids = 4;
    private const int MaxFormatParameters = 64;

    /// <summary>The section as it is taken. Null with a fault that says that no codec is common, or that the section is wrong.</summary>
    public SdpOfferedSection? Read(SessionDescription description, MediaDescription media, out SdpFault? fault)
    {
        var kind = media.Kind == "audio" ? MediaKind.Audio : MediaKind.Video;
        if (!TryReadCodecs(media, kind, out var codecs, out fault) || !TryReadExtensions(media, kind, out var extensions, out fault))
        {
            return null;
        }

        var direction = SdpMediaAttributes.Direction(description, media);
        RtpParameters? send = null;
        if (direction is SdpDirection.SendRecv or SdpDirection.SendOnly)
        {
            send = ReadSend(media, kind, codecs, extensions, out fault);
            if (send is null)
            {
                return null;
            }
        }

        return new SdpOfferedSection
        {
            Media = media,
            Mid = media.Mid!,
            IsTaken = true,
            Kind = kind,
            Direction = direction,
            SendParameters = send,
            ReceiveParameters = direction is SdpDirection.SendRecv or SdpDirection.RecvOnly ? Receive(media.Mid!, kind, codecs, extensions) : null,
            Extensions = extensions,
            Codecs = codecs,
        };
    }

    private static SdpFault Invalid(MediaDescription media, string message) =>
        new(SdpFaultKind.Invalid, $"The section with mid {media.Mid} {message}");

    /// <summary>
    /// The first codec that the router has, with its RTX. One codec a section: what is sent is then certain. Who names redundant audio
    /// (RFC 2198) before Opus wants to send it (RFC 3264 §5.1) and has both, in this order, by which browsers see what they may send.
    /// </summary>
    private bool TryReadCodecs(MediaDescription media, MediaKind kind, out List<RtpCodecParameters> codecs, out SdpFault? fault)
    {
        codecs = [];
        if (!TryReadMaps(media, out var maps, out var formats, out fault))
        {
            return false;
        }

        var feedback = media.FindAll("rtcp-fb")
            .Select(v => SdpMediaAttributes.TryParseFeedback(v.TrimEnd(), out var one) ? one : default)
            .Where(f => f.Type is not null)
            .ToArray();
        foreach (var format in media.Formats)
        {
            if (!byte.TryParse(format, NumberStyles.None, CultureInfo.InvariantCulture, out var payloadType) || payloadType > 127)
            {
                fault = Invalid(media, $"has the format {Shorten(format)}, which is no payload type.");
                return false;
            }

            if (!maps.TryGetValue(payloadType, out var map))
            {
                // A static payload type such as 0 (PCMU) needs no rtpmap (RFC 3551 §6), and the router has none of them.
                continue;
            }

            var codec = Codec(kind, map, formats, []);
            var capability = Ortc.IsRtx(codec.MimeType) ? null : Array.Find(router.Codecs, c => c.Kind == kind && Ortc.Matches(codec, c));
            if (capability is null || codecs.Count > 0)
            {
                continue;
            }

            codecs.Add(codec with { RtcpFeedback = CommonFeedback(feedback, payloadType, capability) });
            if (RedundantAudio.IsRed(codec.MimeType) && !TryAddBlocks(codecs, maps, formats, feedback))
            {
                // Of no use without the codec that it carries.
                codecs.Clear();
            }
        }

        if (codecs.Count == 0)
        {
            fault = new SdpFault(SdpFaultKind.NoCommonCodec, $"The section with mid {media.Mid} has no codec that the server knows.");
            return false;
        }

        foreach (var map in maps.Values.Where(m => m.Encoding.Equals("rtx", StringComparison.OrdinalIgnoreCase)).OrderBy(m => m.PayloadType))
        {
            var rtx = Codec(kind, map, formats, []);
            if (kind == MediaKind.Video && codecs.Count == 1 && CodecFields.Int(rtx.Parameters, CodecFields.AssociatedPayloadType) == codecs[0].PayloadType)
            {
                codecs.Add(rtx);
            }
        }

        fault = null;
        return true;
    }

    private bool TryAddBlocks(
        List<RtpCodecParameters> codecs, Dictionary<byte, SdpRtpMap> maps, Dictionary<byte, Dictionary<string, string>> formats, SdpFeedback[] feedback)
    {
        if (!RedundantAudio.TryReadFields(codecs[0].Parameters, out var payloadType) || !maps.TryGetValue((byte)payloadType, out var map))
        {
            return false;
        }

        var blocks = Codec(MediaKind.Audio, map, formats, []);
        var capability = Array.Find(router.Codecs, c => RedundantAudio.IsOpus(c.MimeType) && Ortc.Matches(blocks, c));
        if (capability is null)
        {
            return false;
        }

        codecs.Add(blocks with { RtcpFeedback = CommonFeedback(feedback, map.PayloadType, capability) });
        return true;
    }

    private static bool TryReadMaps(
        MediaDescription media, out Dictionary<byte, SdpRtpMap> maps, out Dictionary<byte, Dictionary<string, string>> formats, out SdpFault? fault)
    {
        maps = [];
        formats = [];
        foreach (var value in media.FindAll("rtpmap"))
        {
            if (!SdpMediaAttributes.TryParseRtpMap(value, out var map))
            {
                fault = Invalid(media, $"has a malformed a=rtpmap:{Shorten(value)}");
                return false;
            }

            if (!maps.TryAdd(map.PayloadType, map))
            {
                fault = Invalid(media, $"maps payload type {map.PayloadType} twice.");
                return false;
            }
        }

        foreach (var value in media.FindAll("fmtp"))
        {
            if (!SdpMediaAttributes.TryParseFormat(value, out var payloadType, out var parameters) || parameters.Count > MaxFormatParameters)
            {
                fault = Invalid(media, $"has a malformed a=fmtp:{Shorten(value)}");
                return false;
            }

            formats.TryAdd(payloadType, parameters);
        }

        fault = null;
        return true;
    }

    private static RtpCodecParameters Codec(
        MediaKind kind, SdpRtpMap map, Dictionary<byte, Dictionary<string, string>> formats, RtcpFeedback[] feedback) => new()
        {
            MimeType = $"{(kind == MediaKind.Audio ? "audio" : "video")}/{map.Encoding}",
            PayloadType = map.PayloadType,
            ClockRate = map.ClockRate,
            Channels = kind == MediaKind.Audio ? map.Channels : null,
            Parameters = formats.TryGetValue(map.PayloadType, out var fields) ? fields.ToDictionary(f => f.Key, f => Field(f.Key, f.Value)) : [],
            RtcpFeedback = feedback,
        };

    /// <summary>Numbers as numbers, as mediasoup's clients write them; a profile-level-id of digits is still text.</summary>
    private static JsonElement Field(string name, string value) =>
        name != CodecFields.ProfileLevelId
        && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number.ToString(CultureInfo.InvariantCulture) == value
            ? CodecFields.Number(number)
            : JsonElement.Parse($"\"{JsonEncodedText.Encode(value.All(char.IsAscii) ? value : "")}\"");

    private static RtcpFeedback[] CommonFeedback(SdpFeedback[] offered, byte payloadType, RtpCodecCapability capability) =>
    [
        .. capability.RtcpFeedback.Where(own => Array.Exists(
            offered, f => (f.PayloadType is null || f.PayloadType == payloadType) && f.Type == own.Type && f.Parameter == (own.Parameter ?? ""))),
    ];

    private bool TryReadExtensions(MediaDescription media, MediaKind kind, out List<SdpExtensionMap> extensions, out SdpFault? fault)
    {
        extensions = [];
        HashSet<int> ids = [];
        foreach (var value in media.FindAll("extmap"))
        {
            if (!SdpMediaAttributes.TryParseExtensionMap(value, out var map))
            {
                fault = Invalid(media, $"has a malformed a=extmap:{Shorten(value)}");
                return false;
            }

            if (!ids.Add(map.Id))
            {
                fault = Invalid(media, $"uses the extension id {map.Id} twice.");
                return false;
            }

            // RFC 8285 §7: ids from 4096 to 4351 ask for a choice; the parser refuses them with all above 255.
            if (Capability(kind, map.Uri) is not null && !extensions.Exists(e => e.Uri == map.Uri))
            {
                extensions.Add(map);
            }
        }

        fault = null;
        return true;
    }

    private RtpHeaderExtension? Capability(MediaKind kind, string uri) => Array.Find(router.HeaderExtensions, e => e.Kind == kind && e.Uri == uri);

    private RtpParameters? ReadSend(
        MediaDescription media, MediaKind kind, List<RtpCodecParameters> codecs, List<SdpExtensionMap> extensions, out SdpFault? fault)
    {
        var sent = extensions
            .Where(e => e.Direction is SdpDirection.SendRecv or SdpDirection.SendOnly)
            .Where(e => Capability(kind, e.Uri)!.Direction is not HeaderExtensionDirection.SendOnly)
            .ToArray();
        if (!TryReadSources(media, out var sources, out var cname, out fault))
        {
            return null;
        }

        var rids = ReadRids(media);
        RtpEncodingParameters[] encodings;
        if (kind == MediaKind.Video && rids.Length > 0)
        {
            encodings = [.. rids.Select(rid => new RtpEncodingParameters { Rid = rid })];
        }
        else if (sources.Count > 0)
        {
            // Of several sources the first is the stream; the others are its retransmission and what older clients declare.
            var rtx = codecs.Exists(c => Ortc.IsRtx(c.MimeType)) ? RetransmissionOf(media, sources[0]) : null;
            encodings = [new RtpEncodingParameters { Ssrc = sources[0], Rtx = rtx is { } r ? new RtxParameters { Ssrc = r } : null }];
        }
        else if (sent.Any(e => e.Uri == HeaderExtensionUris.Mid))
        {
            encodings = [new RtpEncodingParameters()];
        }
        else
        {
            fault = Invalid(media, "sends but declares neither an a=ssrc nor the MID header extension: its packets could not be told from others.");
            return null;
        }

        fault = null;
        return new RtpParameters
        {
            Mid = media.Mid,
            Codecs = [.. codecs],
            HeaderExtensions = [.. sent.Select(Parameters)],
            Encodings = encodings,
            Rtcp = new RtcpParameters { Cname = cname, ReducedSize = media.Has("rtcp-rsize"), Mux = true },
        };
    }

    /// <summary>What a consumer may use: what the client takes and the router sends. Congestion control of audio is for the uplink only.</summary>
    private RtpParameters Receive(string mid, MediaKind kind, List<RtpCodecParameters> codecs, List<SdpExtensionMap> extensions) => new()
    {
        Mid = mid,
        Codecs = kind == MediaKind.Video
            ? [.. codecs]
            : [.. codecs.Select(c => c with { RtcpFeedback = [.. c.RtcpFeedback.Where(f => f.Type != "transport-cc")] })],
        HeaderExtensions =
        [
            .. extensions
                .Where(e => e.Direction is SdpDirection.SendRecv or SdpDirection.RecvOnly)
                .Where(e => Capability(kind, e.Uri)!.Direction is HeaderExtensionDirection.SendRecv or HeaderExtensionDirection.SendOnly)
                .Select(Parameters),
        ],
    };

    private static RtpHeaderExtensionParameters Parameters(SdpExtensionMap map) => new() { Uri = map.Uri, Id = map.Id };

    private static bool TryReadSources(MediaDescription media, out List<uint> sources, out string? cname, out SdpFault? fault)
    {
        sources = [];
        cname = null;
        foreach (var value in media.FindAll("ssrc"))
        {
            if (!SdpMediaAttributes.TryParseSource(value, out var ssrc, out var attribute, out var parameter))
            {
                fault = Invalid(media, $"has a malformed a=ssrc:{Shorten(value)}");
                return false;
            }

            if (attribute == "cname" && parameter.Length is > 0 and < 256)
            {
                cname ??= parameter;
            }

            if (!sources.Contains(ssrc))
            {
                sources.Add(ssrc);
            }

            if (sources.Count > MaxSources)
            {
                fault = Invalid(media, $"declares more than {MaxSources} sources.");
                return false;
            }
        }

        fault = null;
        return true;
    }

    /// <summary><c>a=ssrc-group:FID media rtx</c> (RFC 5576 §4.2).</summary>
    private static uint? RetransmissionOf(MediaDescription media, uint ssrc)
    {
        foreach (var group in media.FindAll("ssrc-group"))
        {
            var parts = group.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 3 && parts[0] == "FID"
                && uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var first) && first == ssrc
                && uint.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var second))
            {
                return second;
            }
        }

        return null;
    }

    /// <summary>The rids of <c>a=simulcast:send</c> (RFC 8853 §5.1), without alternatives and pauses.</summary>
    private static string[] ReadRids(MediaDescription media)
    {
        if (media.Find("simulcast") is not { } simulcast)
        {
            return [];
        }

        var parts = simulcast.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var send = Array.IndexOf(parts, "send");
        return send < 0 || send + 1 >= parts.Length
            ? []
            : [.. parts[send + 1].Split(';').Select(r => r.Split(',')[0].TrimStart('~')).Where(r => Mid.TryParse(r, out _)).Distinct().Take(MaxRids)];
    }

    /// <summary>A client's text in a message: short enough to read.</summary>
    private static string Shorten(string text) => text.Length <= 60 ? text : $"{text.AsSpan(0, 60)}…";
}
