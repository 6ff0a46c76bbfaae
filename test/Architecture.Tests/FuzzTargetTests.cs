using System.Text.RegularExpressions;

namespace VoiceCluster.Architecture.Tests;

/// <summary>What reads bytes from the network is fuzzed.</summary>
public sealed class FuzzTargetTests
{
    /// <summary>Readers that are reached through another, which is fuzzed: the reader, and the test file that names its way in.</summary>
    private static readonly Dictionary<string, string> Through = new()
    {
        ["src/ApiFrontend/SocketIo/SocketPacketParser.cs"] = "SocketPacketDecoder",
        ["src/Media/Recording/Ogg/OggPage.cs"] = "TornFile",
        ["src/Media/Relay/RelayHeader.cs"] = "ReceiveRelay",
        ["src/Media/Rtcp/Feedback.cs"] = "RtcpReader",
        ["src/Media/Rtp/Codecs/H264.cs"] = "VideoFrame",
        ["src/Media/Rtp/Codecs/Vp9.cs"] = "VideoFrame",
        ["src/Media/Rtp/Codecs/Vp9Payload.cs"] = "FrameAssembler",
    };

    [Fact]
    public void Parsers_OfBytes_AreNamedByAFuzzTest()
    {
        var fuzz = string.Concat(Repository.SourceFiles("test").Where(f => Path.GetFileName(f).Contains("Fuzz", StringComparison.Ordinal)).Select(File.ReadAllText));
        List<string> missing = [];
        foreach (var file in Repository.SourceFiles("src").Where(f => !f.Contains("Standalone", StringComparison.Ordinal)))
        {
            var name = Repository.Relative(file);
            if (Regex.IsMatch(File.ReadAllText(file), @"static bool Try(Parse|Read)\((ReadOnly)?Span<byte>")
                && !fuzz.Contains(Through.GetValueOrDefault(name, Path.GetFileNameWithoutExtension(file)), StringComparison.Ordinal))
            {
                missing.Add(name);
            }
        }

        Assert.Empty(missing);
    }
}
