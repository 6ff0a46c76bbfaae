using VoiceCluster.Media.Recording;

namespace VoiceCluster.Media.Tests.Recording;

/// <summary>A recording's files in memory; one can be made to fail.</summary>
internal sealed class MemoryFiles : IRecordingFiles
{
    public Dictionary<string, MemoryFile> Files { get; } = [];

    /// <summary>Bytes that all files together may have.</summary>
    public long Space { get; set; } = long.MaxValue;

    public IRecordingFile Create(string name)
    {
        var file = new MemoryFile(this);
        Files.Add(name, file);
        return file;
    }

    public byte[] this[string name] => Files[name].Bytes;

    internal sealed class MemoryFile(MemoryFiles owner) : IRecordingFile
    {
        private readonly MemoryStream _stream = new();

        public bool IsClosed { get; private set; }

        public long Length => _stream.Length;

        public byte[] Bytes => _stream.ToArray();

        public void Append(ReadOnlySpan<byte> bytes)
        {
            Assert.False(IsClosed);
            if (owner.Files.Values.Sum(f => f.Length) + bytes.Length > owner.Space)
            {
                throw new IOException("No space left on device");
            }

            _stream.Position = _stream.Length;
            _stream.Write(bytes);
        }

        public void Patch(long offset, ReadOnlySpan<byte> bytes)
        {
            Assert.False(IsClosed);
            Assert.True(offset + bytes.Length <= _stream.Length);
            _stream.Position = offset;
            _stream.Write(bytes);
        }

        public void Close()
        {
            Assert.False(IsClosed);
            IsClosed = true;
        }
    }
}
