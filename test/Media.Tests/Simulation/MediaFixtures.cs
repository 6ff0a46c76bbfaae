using System.Buffers.Binary;
using System.Text.Json;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>Parameters as browsers send them, and packets that fit.</summary>
internal static class MediaFixtures
{
    public const byte ClientOpus = 111;
    public const byte ClientVp8 = 96;
    public const byte ClientRtx = 97;
    public const byte ClientMidId = 4;
    public const byte ClientAudioLevelId = 7;
    public const byte ClientTransportCcId = 3;
    public const byte ClientRidId = 10;

    public static RtpParameters Audio(uint ssrc, string cname = "alice") => Parse($$$"""
        {"mid":"a{{{ssrc}}}","codecs":[{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2,
         "parameters":{"minptime":10,"useinbandfec":1},"rtcpFeedback":[{"type":"transport-cc","parameter":""}]}],
         "headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":4,"encrypt":false,"parameters":{}},
          {"uri":"urn:ietf:params:rtp-hdrext:ssrc-audio-level","id":7,"encrypt":false,"parameters":{}}],
         "encodings":[{"ssrc":{{{ssrc}}},"dtx":false}],"rtcp":{"cname":"{{{cname}}}","reducedSize":true} }
        """);

    public static RtpParameters Video(uint ssrc, string cname = "alice") => Parse($$$"""
        {"mid":"v{{{ssrc}}}","codecs":[
         {"mimeType":"video/VP8","payloadType":96,"clockRate":90000,"parameters":{},"rtcpFeedback":[{"type":"goog-remb","parameter":""},
          {"type":"transport-cc","parameter":""},{"type":"ccm","parameter":"fir"},{"type":"nack","parameter":""},{"type":"nack","parameter":"pli"}]},
         {"mimeType":"video/rtx","payloadType":97,"clockRate":90000,"parameters":{"apt":96},"rtcpFeedback":[]}],
         "headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":4,"encrypt":false,"parameters":{}}],
         "encodings":[{"ssrc":{{{ssrc}}},"rtx":{"ssrc":{{{ssrc + 1}}} } }],"rtcp":{"cname":"{{{cname}}}","reducedSize":true} }
        """);

    public static RtpParameters Simulcast() => Video(1) with
    {
        HeaderExtensions =
        [
            new RtpHeaderExtensionParameters { Uri = HeaderExtensionUris.Mid, Id = ClientMidId },
            new RtpHeaderExtensionParameters { Uri = HeaderExtensionUris.RtpStreamId, Id = ClientRidId },
        ],
        Encodings = [new RtpEncodingParameters { Rid = "q", ScalabilityMode = "L1T2" }, new RtpEncodingParameters { Rid = "f", ScalabilityMode = "L1T2" }],
    };

    /// <summary>The same of another codec.</summary>
    public static RtpParameters Simulcast(PayloadFormat format)
    {
        var vp8 = Simulcast();
        return format switch
        {
            PayloadFormat.Vp8 => vp8,
            PayloadFormat.Vp9 => Of("video/VP9", new() { ["profile-id"] = JsonSerializer.SerializeToElement(0) }),
            PayloadFormat.H264 => Of("video/H264", new() { ["packetization-mode"] = JsonSerializer.SerializeToElement(1), ["profile-level-id"] = JsonSerializer.SerializeToElement("42e01f"), ["level-asymmetry-allowed"] = JsonSerializer.SerializeToElement(1) }),
            _ => throw new ArgumentOutOfRangeException(nameof(format)),
        };

        RtpParameters Of(string mimeType, Dictionary<string, JsonElement> parameters) =>
            vp8 with { Codecs = [vp8.Codecs[0] with { MimeType = mimeType, Parameters = parameters }, vp8.Codecs[1]] };
    }

    public static RtpParameters Parse(string json)
    {
        Assert.True(RtpParameters.TryParse(json, out var parameters, out var error), error);
        return parameters;
    }

    /// <summary>An RTP packet with up to two one-byte extension elements.</summary>
    public static byte[] Packet(byte payloadType, uint ssrc, ushort sequence, uint timestamp, ReadOnlySpan<byte> payload, byte extensionId = 0, byte[]? extension = null, bool marker = false, byte secondId = 0, byte[]? second = null)
    {
        var buffer = new byte[1500];
        buffer[0] = 0x80;
        buffer[1] = (byte)(payloadType | (marker ? 0x80 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(buffer.AsSpan(2), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(4), timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(8), ssrc);
        var writer = new HeaderExtensionWriter(buffer, 12);
        if (extension is not null)
        {
            extension.CopyTo(writer.Add(extensionId, extension.Length));
        }

        if (second is not null)
        {
            second.CopyTo(writer.Add(secondId, second.Length));
        }

        var start = writer.Finish();
        payload.CopyTo(buffer.AsSpan(start));
        return buffer[..(start + payload.Length)];
    }

    public static byte[] Opus(uint ssrc, ushort sequence, uint timestamp, byte level = 20)
        => Packet(ClientOpus, ssrc, sequence, timestamp, [0x78, 1, 2, 3, 4], ClientAudioLevelId, [(byte)(0x80 | level)]);

    /// <summary>A VP8 payload with a 15-bit picture id, TL0PICIDX and TID.</summary>
    public static byte[] Vp8Payload(bool start, bool key, int pictureId, byte tl0, int tid = 0, int length = 40)
    {
        var payload = new byte[length];
        payload[0] = (byte)(0x80 | (start ? 0x10 : 0));
        payload[1] = 0xE0;
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(2), (ushort)(0x8000 | pictureId));
        payload[4] = tl0;
        payload[5] = (byte)(tid << 6);
        payload[6] = (byte)(start && key ? 0x10 : 0x11);
        return payload;
    }

    public static byte[] Vp8(uint ssrc, ushort sequence, uint timestamp, bool key, bool start = true, int pictureId = 100, byte tl0 = 5, int tid = 0)
        => Packet(ClientVp8, ssrc, sequence, timestamp, Vp8Payload(start, key, pictureId, tl0, tid), marker: true);
}
