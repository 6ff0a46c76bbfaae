namespace VoiceCluster.Media.Recording.Sound;

/// <summary>Takes a timeline's packets, which follow each other without a gap.</summary>
internal interface ISoundSink
{
    /// <summary>One Opus packet of so many samples at 48 kHz.</summary>
    void OnSound(ReadOnlySpan<byte> packet, int samples);
}
