namespace VoiceCluster.Media.Recording;

/// <summary>A file whose bytes are counted for the recording's limit.</summary>
internal sealed class CountedFile(IRecordingFile file, RecordedFile description, RecordingPart part) : IRecordingFile
{
    /// <inheritdoc/>
    public long Length => file.Length;

    /// <inheritdoc/>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        file.Append(bytes);
        description.Bytes += bytes.Length;
        part.Bytes += bytes.Length;
    }

    /// <inheritdoc/>
    public void Patch(long offset, ReadOnlySpan<byte> bytes) => file.Patch(offset, bytes);

    /// <inheritdoc/>
    public void Close() => file.Close();
}
