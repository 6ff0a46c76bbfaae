using VoiceCluster.Media.Audio;

namespace VoiceCluster.Media.Tests.Fuzzing;

public sealed class AudioLevelFuzzTests
{
    [Fact]
    public void AudioLevel_WithMutatedElements_NeverThrows() =>
        Fuzz.Run([[0x80], [0x7F], [0xFF, 0]], static input => AudioLevel.TryParse(input, out _));
}
