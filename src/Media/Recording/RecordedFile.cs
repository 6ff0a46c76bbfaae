namespace VoiceCluster.Media.Recording;

/// <summary>What is in a file.</summary>
public enum RecordedContent
{
    /// <summary>One participant's sound: Ogg Opus.</summary>
    Sound = 0,

    /// <summary>Everybody's sound together: Ogg Opus.</summary>
    Mix = 1,

    /// <summary>One video track with its participant's sound: WebM, or Matroska for H.264.</summary>
    Picture = 2,
}

/// <summary>One file of a recording.</summary>
/// <param name="Name">A plain file name, unique in its part.</param>
/// <param name="ParticipantId">Whose it is; null for the mix.</param>
/// <param name="StartedAt">The instant of its time 0, µs of `now`.</param>
public sealed record RecordedFile(string Name, string? ParticipantId, RecordedContent Content, string ContentType, long StartedAt)
{
    /// <summary>µs from its beginning to its end; null while it is written.</summary>
    public long? Duration { get; internal set; }

    /// <summary>Bytes written so far.</summary>
    public long Bytes { get; internal set; }
}
