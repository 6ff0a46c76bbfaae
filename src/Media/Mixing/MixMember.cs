namespace VoiceCluster.Media.Mixing;

/// <summary>A participant in a mix: what it says, and that it must not hear it.</summary>
internal sealed class MixMember(string owner)
{
    public string Owner => owner;

    /// <summary>Sources and listeners that refer to it.</summary>
    public int References { get; set; }

    /// <summary>The last frame in which it sounded.</summary>
    public long SoundedTick { get; set; } = long.MinValue / 2;

    /// <summary>Its own mix, while it speaks and listens.</summary>
    public MixOutput? Output { get; set; }
}
