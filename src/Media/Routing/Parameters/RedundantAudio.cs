using System.Globalization;
using System.Text.Json;

namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>
/// How redundant audio (RFC 2198) stands in parameters: a codec <c>audio/red</c> beside Opus, whose fmtp names the payload type of its blocks, once
/// for each level, without a name: <c>111/111</c>. Who sends or receives it has Opus too, for the blocks are Opus, and a sender may
/// send a packet without redundancy at any time.
/// </summary>
internal static class RedundantAudio
{
    public const string MimeType = "audio/red";

    // mediasoup-client writes "name=value" for each field. With no name Chromium reads "=111/111" as it does "111/111".
    private const string Unnamed = "";

    public static bool IsRed(string mimeType) => mimeType.Equals(MimeType, StringComparison.OrdinalIgnoreCase);

    /// <summary>The fmtp of redundant audio with one level.</summary>
    public static Dictionary<string, JsonElement> FieldsOf(int opus) => new()
    {
        [Unnamed] = CodecFields.Text(string.Create(CultureInfo.InvariantCulture, $"{opus}/{opus}")),
    };

    /// <summary>Payload type of the blocks: that of the Opus beside it, or the one that the fmtp names. Null when neither says it.</summary>
    public static int? BlockTypeOf(RtpCodecParameters[] codecs)
    {
        if (Array.Find(codecs, c => IsOpus(c.MimeType)) is { } opus)
        {
            return opus.PayloadType;
        }

        return Array.Find(codecs, c => IsRed(c.MimeType)) is { } red && TryReadFields(red.Parameters, out var named)
            && !Array.Exists(codecs, c => c.PayloadType == named) ? named : null;
    }

    /// <summary>The payload type that the fmtp names at each level.</summary>
    public static bool TryReadFields(Dictionary<string, JsonElement> fields, out int payloadType)
    {
        payloadType = 0;
        foreach (var (name, value) in fields)
        {
            // Parsers of name=value take the whole text for a name.
            var text = name == Unnamed ? CodecFields.String(fields, name) ?? "" : name;
            if (TryReadLevels(text, out payloadType))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// What a producer with redundant audio offers: Opus first, which every receiver takes, then redundant audio in the router's own terms.
    /// </summary>
    public static void Arrange(List<RtpCodecParameters> consumable, RtpCapabilities router)
    {
        if (consumable.Find(c => IsRed(c.MimeType)) is not { } red)
        {
            return;
        }

        var capability = Array.Find(router.Codecs, c => IsOpus(c.MimeType))!;
        var opus = consumable.Find(c => IsOpus(c.MimeType)) ?? new RtpCodecParameters
        {
            MimeType = capability.MimeType,
            PayloadType = capability.PreferredPayloadType!.Value,
            ClockRate = capability.ClockRate,
            Channels = capability.Channels,
            Parameters = capability.Parameters,
            RtcpFeedback = capability.RtcpFeedback,
        };
        consumable.RemoveAll(c => IsRed(c.MimeType) || IsOpus(c.MimeType));
        consumable.InsertRange(0, [opus, red with { Parameters = FieldsOf(opus.PayloadType) }]);
    }

    public static bool IsOpus(string mimeType) => mimeType.Equals("audio/opus", StringComparison.OrdinalIgnoreCase);

    private static bool TryReadLevels(string text, out int payloadType)
    {
        payloadType = 0;
        var levels = text.Split('/');
        return levels.Length > 1
            && int.TryParse(levels[0], NumberStyles.None, CultureInfo.InvariantCulture, out payloadType) && payloadType <= 127
            && Array.TrueForAll(levels, l => l == levels[0]);
    }
}
