using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Routing;

namespace VoiceCluster.Bench.Recording;

/// <summary>The queue's other end: what the writer's thread does.</summary>
internal sealed class Recording(DiskFiles files)
{
    public const int QueueBytes = 16 * 1024 * 1024;

    private readonly RecordingQueue _queue = new(QueueBytes);
    private readonly List<int> _wanted = [];
    private RecordingPart? _part;
    private long _now;

    public RecorderTransport? Recorder { get; private set; }

    public TimeSpan Time { get; private set; }

    public long Allocated { get; private set; }

    public long Bytes => _part!.Bytes;

    public void Begin(Router router, long now)
    {
        _part = new RecordingPart(new RecordingPartOptions { Title = "bench" }, files, now);
        Recorder = router.Record("bench", _queue, new RecordedTracks(true, false, true), null, now).Value!;
    }

    public void Write(long now)
    {
        var since = Stopwatch.GetTimestamp();
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        while (_queue.TryRead(out var head, out var payload))
        {
            switch (head.Kind)
            {
                case RecordKind.Packet:
                    _part!.Push(head.Source, head.Sequence, head.Timestamp, head.Marker, payload, head.Now);
                    break;
                case RecordKind.Report:
                    _part!.Report(head.Source, head.Timestamp, head.Now);
                    break;
                default:
                    if (_queue.TakeControl() is SourceAdded added)
                    {
                        _part!.AddSource(added.Source, added.ParticipantId, added.Format, added.ClockRate, head.Now);
                    }

                    break;
            }

            _queue.Release(head);
        }

        _part!.Advance(now, _wanted);
        Allocated += GC.GetAllocatedBytesForCurrentThread() - allocated;
        Time += Stopwatch.GetElapsedTime(since);
        _now = now;
    }

    public void Finish() => _part!.Finish(_now);
}

/// <summary>Files as the media node writes them.</summary>
internal sealed class DiskFiles(string directory) : IRecordingFiles, IDisposable
{
    private readonly List<DiskFile> _files = [];

    public IRecordingFile Create(string name)
    {
        var file = new DiskFile(Path.Combine(directory, name));
        _files.Add(file);
        return file;
    }

    public void Dispose() => _files.ForEach(static f => f.Close());

    private sealed class DiskFile(string path) : IRecordingFile
    {
        private readonly SafeFileHandle _handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);

        public long Length { get; private set; }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            RandomAccess.Write(_handle, bytes, Length);
            Length += bytes.Length;
        }

        public void Patch(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(_handle, bytes, offset);

        public void Close() => _handle.Dispose();
    }
}
