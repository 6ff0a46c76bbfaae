namespace VoiceCluster.Media.Recording;

/// <summary>
/// One file that a recording writes. What fails throws <see cref="IOException"/> (or
/// <see cref="UnauthorizedAccessException"/>), which ends the recording and nothing else.
/// </summary>
public interface IRecordingFile
{
    /// <summary>Bytes appended so far.</summary>
    long Length { get; }

    /// <summary>Writes behind what is there; readable by others when the call returns, also after a crash of this process.</summary>
    void Append(ReadOnlySpan<byte> bytes);

    /// <summary>Writes over bytes that were appended before.</summary>
    void Patch(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Nothing more will be written.</summary>
    void Close();
}

/// <summary>Where a recording's files come to be.</summary>
public interface IRecordingFiles
{
    /// <summary>Makes a file of this plain name; there is none of it yet.</summary>
    IRecordingFile Create(string name);
}
