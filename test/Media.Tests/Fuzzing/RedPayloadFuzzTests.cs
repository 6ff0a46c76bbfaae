using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Fuzzing;

/// <summary>Mutations of redundant audio (RFC 2198).</summary>
public sealed class RedPayloadFuzzTests
{
    private static readonly byte[] Primary = [0x78, 1, 2, 3];

    [Fact]
    public void Payload_Mutated_StaysWithinItsBounds()
    {
        byte[][] seeds =
        [
            RedundantSound.Payload(Primary),
            RedundantSound.Payload(Primary, (960, [0x78, 4])),
            RedundantSound.Payload(Primary, (1_920, [0x78, 4]), (960, [])),
        ];
        Fuzz.Run(seeds, static input =>
        {
            if (!RedPayload.TryParse(input, 111, out var red))
            {
                return;
            }

            var (length, copies) = ((red.Copies * 4) + 1 + red.Primary.Length, 0);
            foreach (var copy in red)
            {
                Assert.Equal(red.Copies - copies++, copy.Back);
                length += copy.Payload.Length;
            }

            Assert.Equal((input.Length, red.Copies), (length, copies));
            Assert.False(red.Primary.IsEmpty);
        });
    }
}
