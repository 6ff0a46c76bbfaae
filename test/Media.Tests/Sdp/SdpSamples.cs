namespace VoiceCluster.Media.Tests.Sdp;

/// <summary>Offers of real clients: Chromium 156, libwebrtc for Node and aiortc 1.4 as they wrote them; Firefox, Safari and Pion in their shape.</summary>
internal static class SdpSamples
{
    public static IEnumerable<string> Names => ["aiortc", "chromium-one", "chromium-slots", "chromium-simulcast", "firefox", "pion", "safari", "wrtc"];

    /// <summary>The offer with the line ends of the wire.</summary>
    public static string Read(string name) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "TestData", "sdp", $"{name}.sdp")).ReplaceLineEndings("\r\n");
}
