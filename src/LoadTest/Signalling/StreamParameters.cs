namespace VoiceCluster.LoadTest.Signalling;

/// <summary>mediasoup's rtpParameters of what members send: the same whatever the transport.</summary>
internal static class StreamParameters
{
    private static int _lastSsrc = 10_000;

    /// <summary>An SSRC that no other member of this run has.</summary>
    public static uint NextSsrc() => (uint)Interlocked.Increment(ref _lastSsrc);

    /// <summary>Opus, with the audio level.</summary>
    public static string Audio(uint ssrc) => $$$"""
        {"mid":"0","codecs":[{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2,"parameters":{"minptime":10,"useinbandfec":1},"rtcpFeedback":[]}],
        "headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:ssrc-audio-level","id":7,"encrypt":false,"parameters":{}}],
        "encodings":[{"ssrc":{{{ssrc}}}}],"rtcp":{"cname":"voicebench","reducedSize":true}}
        """;

    /// <summary>VP8, of which key frames may be asked.</summary>
    public static string Video(uint ssrc) => $$$"""
        {"mid":"1","codecs":[{"mimeType":"video/VP8","payloadType":96,"clockRate":90000,"parameters":{},
        "rtcpFeedback":[{"type":"nack","parameter":"pli"},{"type":"ccm","parameter":"fir"}]}],"headerExtensions":[],
        "encodings":[{"ssrc":{{{ssrc}}}}],"rtcp":{"cname":"voicebench","reducedSize":true}}
        """;
}
