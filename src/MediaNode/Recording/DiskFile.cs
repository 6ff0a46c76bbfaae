using Microsoft.Win32.SafeHandles;
using VoiceCluster.Media.Recording;

namespace VoiceCluster.MediaNode.Recording;

/// <summary>A file on the disk. Each append is one write: what it wrote outlives this process however it ends.</summary>
internal sealed class DiskFile : IRecordingFile
{
    private readonly SafeFileHandle _handle;

    public DiskFile(string path) =>
        _handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete);

    /// <inheritdoc/>
    public long Length { get; private set; }

    /// <inheritdoc/>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_handle, bytes, Length);
        Length += bytes.Length;
    }

    /// <inheritdoc/>
    public void Patch(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(_handle, bytes, offset);

    /// <inheritdoc/>
    public void Close() => _handle.Dispose();
}
