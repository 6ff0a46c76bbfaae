using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Recording;

/// <summary>
/// Writes the node's recordings: one thread that takes what the workers' recorders have put into their queues, and writes
/// files. The workers never wait for it, and it never waits for them.
/// A round: 1. take what came; 2. let the parts' time pass; 3. hold them to their limits; 4. note and report what changed.
/// </summary>
public sealed partial class RecordingWriter : IHostedService, IDisposable
{
    /// <summary>Milliseconds between two rounds while something is recorded.</summary>
    private const int Round = 25;

    /// <summary>Milliseconds between two looks while nothing is.</summary>
    private const int Idle = 1_000;

    /// <summary>Records taken from one queue before the others get their turn.</summary>
    private const int RecordsInARow = 4_096;

    private readonly RecordingShelf _shelf;
    private readonly RecordingReports _reports;
    private readonly MonotonicClock _clock;
    private readonly RecordingOptions _options;
    private readonly ILogger<RecordingWriter> _logger;
    private readonly Lock _queuesLock = new();
    private readonly HashSet<RunningRecording> _running = [];
    private readonly Dictionary<int, RunningRecording> _sources = [];
    private readonly List<int> _keyFrames = [];
    private readonly ManualResetEventSlim _wake = new();
    private readonly RecordingMetrics _metrics;
    private readonly Thread _thread;
    private volatile RecordingQueue?[] _queues = [];
    private volatile bool _stopping;
    private int _count;

    /// <summary>Makes the writer; nothing is written before a room is recorded.</summary>
    public RecordingWriter(RecordingShelf shelf, RecordingReports reports, MonotonicClock clock, IOptions<RecordingOptions> options, ILogger<RecordingWriter> logger)
    {
        (_shelf, _reports, _clock, _options, _logger) = (shelf, reports, clock, options.Value, logger);
        _metrics = new RecordingMetrics(this);
        _thread = new Thread(Run) { Name = "recordings", IsBackground = true };
    }

    /// <summary>Recordings that are written now.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Packets that found no room because the disk was too slow.</summary>
    public long PacketsDropped => _queues.Sum(static q => q?.Dropped ?? 0);

    /// <summary>Bytes written since the start.</summary>
    public long BytesWritten { get; private set; }

    /// <summary>Recordings that broke off since the start.</summary>
    public long Failures { get; private set; }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var (recording, manifest) in _shelf.Unclosed())
        {
            // The process ended within it. What is there plays up to its last second; now it is whole files again.
            Repair(recording, manifest);
        }

        _thread.Start();
        _reports.ReportAll();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping = true;
        _wake.Set();
        await Task.Run(_thread.Join, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _metrics.Dispose();
        _wake.Dispose();
    }

    /// <summary>On the worker's thread: begins to record a room.</summary>
    internal Outcome<RunningRecording> Start(Guid id, RecordingPlan plan, Router router, WorkerThread thread, MediaWorker worker, long now)
    {
        if (_shelf.Root is null)
        {
            return new Fault(FaultCode.Unsupported, "This media node does not record: Recording:Path is empty.");
        }

        if (_stopping || Count >= _options.MaxRecordings)
        {
            return new Fault(FaultCode.Unavailable, "The media node can take no more recordings now.");
        }

        var queue = QueueOf(thread.Index);
        var running = new RunningRecording(id, router.Id, plan, thread, now);
        if (!queue.TryWriteControl(running, now))
        {
            return new Fault(FaultCode.Unavailable, "The media node's disk is too slow to record more.");
        }

        Interlocked.Increment(ref _count);
        var started = worker.StartRecorder(router, $"recording:{id:N}", queue, new RecordedTracks(plan.Participants, plan.Mix, plan.Video), running, now);
        running.Recorder = started.Value;
        if (!started.IsOk)
        {
            queue.TryWriteControl(new RecorderRefused(running), now);
        }

        _wake.Set();
        return started.IsOk ? running : new Fault(FaultCode.Conflict, started.Error);
    }

    private RecordingQueue QueueOf(int worker)
    {
        lock (_queuesLock)
        {
            if (_queues.Length <= worker)
            {
                var more = _queues.ToArray();
                Array.Resize(ref more, worker + 1);
                _queues = more;
            }

            return _queues[worker] ??= new RecordingQueue(_options.QueueBytes);
        }
    }

    private void Run()
    {
        while (!_stopping)
        {
            if (!RunRound())
            {
                _wake.Wait(_running.Count > 0 ? Round : Idle);
                _wake.Reset();
            }
        }

        // What the workers still put into their queues belongs to files that end here.
        while (RunRound())
        {
        }

        foreach (var running in _running.ToArray())
        {
            End(running, _clock.Now);
        }
    }

    // True when there may be more at once.
    private bool RunRound()
    {
        // :: Step 1
        var more = false;
        foreach (var queue in _queues)
        {
            more |= queue is not null && Take(queue);
        }

        var now = _clock.Now;
        foreach (var running in _running.ToArray())
        {
            Guard(running, now, Advance);
        }

        return more;
    }

    private bool Take(RecordingQueue queue)
    {
        for (var i = 0; i < RecordsInARow; i++)
        {
            if (!queue.TryRead(out var head, out var payload))
            {
                return false;
            }

            if (head.Kind == RecordKind.Control)
            {
                OnControl(queue.TakeControl(), head.Now);
            }
            else if (_sources.TryGetValue(head.Source, out var running))
            {
                try
                {
                    if (head.Kind == RecordKind.Packet)
                    {
                        running.Part!.Push(head.Source, head.Sequence, head.Timestamp, head.Marker, payload, head.Now);
                    }
                    else
                    {
                        running.Part!.Report(head.Source, head.Timestamp, head.Now);
                    }
                }
                catch (Exception e)
                {
                    Fail(running, e, head.Now);
                }
            }

            queue.Release(head);
        }

        return true;
    }

    private void OnControl(object? control, long now)
    {
        switch (control)
        {
            case RunningRecording opening:
                Guard(opening, now, Open);
                break;
            case RecorderRefused refused when _running.Contains(refused.Running):
                refused.Running.Part!.Finish(now);
                Forget(refused.Running);
                break;
            case SourceAdded { Recorder.Tag: RunningRecording running } added when _running.Contains(running):
                _sources[added.Source] = running;
                Guard(running, now, (r, at) => r.Part!.AddSource(added.Source, added.ParticipantId, added.Format, added.ClockRate, at));
                break;
            case SourceRemoved removed when _sources.Remove(removed.Source, out var running):
                Guard(running, now, (r, at) => r.Part!.RemoveSource(removed.Source, at));
                break;
            case RecorderClosed { Recorder.Tag: RunningRecording running } when _running.Contains(running):
                End(running, now);
                break;
            default:
                break;
        }
    }

    private void Open(RunningRecording running, long now)
    {
        _running.Add(running);
        running.BytesBefore = _shelf.SizeOf(running.Id);
        running.Files = _shelf.Open(running.Id, RecordingShelf.NewTag(DateTimeOffset.UnixEpoch.AddMicroseconds(now + _clock.UnixTimeOffset)));
        running.Part = new RecordingPart(
            new RecordingPartOptions { Title = running.Room, UnixTimeOffset = _clock.UnixTimeOffset, MaxFiles = _options.MaxFiles }, running.Files, now);
        Note(running, now, isClosed: false);
        LogStarted(_logger, running.Id, running.Room);
    }

    private void Advance(RunningRecording running, long now)
    {
        // :: Step 2
        var part = running.Part!;
        part.Advance(now, _keyFrames);
        if (_keyFrames.Count > 0)
        {
            AskForKeyFrames(running, [.. _keyFrames]);
            _keyFrames.Clear();
        }

        // :: Step 3
        if (!running.Worker.IsAlive)
        {
            // Nobody will close the recorder any more; the room moves.
            End(running, now);
            return;
        }

        var limit = running.Plan.MaxDuration < _options.MaxDuration ? running.Plan.MaxDuration : _options.MaxDuration;
        if (now - running.StartedAt >= limit.TotalMicroseconds)
        {
            LogLimit(_logger, running.Id, running.Room, limit.ToString());
            Stop(running, now);
            return;
        }

        var most = Math.Min(running.Plan.MaxBytes, _options.MaxBytes);
        if (running.BytesBefore + part.Bytes >= most)
        {
            LogLimit(_logger, running.Id, running.Room, $"{most} bytes");
            Stop(running, now);
            return;
        }

        // :: Step 4
        if (part.Files.Count != running.FilesNoted || now - running.NotedAt >= _options.ReportEvery.TotalMicroseconds)
        {
            Note(running, now, isClosed: false);
        }
    }

    private static void AskForKeyFrames(RunningRecording running, int[] sources) => _ = running.Worker.InvokeAsync((_, now) =>
    {
        foreach (var source in sources)
        {
            running.Recorder?.RequestKeyFrame(source, now);
        }

        return true;
    });

    private void Stop(RunningRecording running, long now)
    {
        running.IsStopped = true;
        CloseRecorder(running);
        End(running, now);
    }

    private void End(RunningRecording running, long now)
    {
        if (!_running.Contains(running))
        {
            return;
        }

        try
        {
            running.Part!.Finish(now);
            Forget(running);
            Note(running, now, isClosed: true);
            LogEnded(_logger, running.Id, running.Room, running.Part.Files.Count, running.Part.Bytes);
        }
        catch (Exception e)
        {
            Fail(running, e, now);
        }
    }

    private void Guard(RunningRecording running, long now, Action<RunningRecording, long> action)
    {
        try
        {
            action(running, now);
        }
        catch (Exception e)
        {
            Fail(running, e, now);
        }
    }

    // A disk that is full, a directory that cannot be written, or a fault of ours: this recording ends, calls and others go on.
    private void Fail(RunningRecording running, Exception reason, long now)
    {
        running.Error = reason is IOException or UnauthorizedAccessException
            ? $"The file could not be written: {reason.Message}"
            : $"The recording broke off: {reason.Message}";
        running.IsStopped = true;
        Failures++;
        LogFailed(_logger, reason, running.Id, running.Room);
        CloseRecorder(running);
        Forget(running);
        try
        {
            Note(running, now, isClosed: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk does not take the manifest either: the grain is told without it.
            LogNotNoted(_logger, running.Id, e.Message);
            _reports.Send(running.Id, RecordingStatus.Failed, running.Error);
        }
    }

    private static void CloseRecorder(RunningRecording running) => _ = running.Worker.InvokeAsync((_, now) =>
    {
        running.Recorder?.Close(now);
        return true;
    });

    private void Forget(RunningRecording running)
    {
        if (!_running.Remove(running))
        {
            return;
        }

        Interlocked.Decrement(ref _count);
        BytesWritten += running.Part?.Bytes ?? 0;
        running.Files?.CloseAll();
        foreach (var (source, _) in _sources.Where(s => s.Value == running).ToArray())
        {
            _sources.Remove(source);
        }
    }

    private void Note(RunningRecording running, long now, bool isClosed)
    {
        if (running is { Part: { } part, Files: { } files })
        {
            running.FilesNoted = part.Files.Count;
            running.NotedAt = now;
            files.Note(new RecordingManifest(running.Room, isClosed, [.. part.Files.Select(f => new ManifestFile(
                files.NameOf(f.Name),
                (int)KindOf(f.Content),
                f.ParticipantId,
                f.ContentType,
                f.StartedAt + _clock.UnixTimeOffset,
                f.Duration))]));
        }

        // A stretch that ends because the room moves or the node stops does not end the recording.
        var status = running.Error is not null ? RecordingStatus.Failed : isClosed && running.IsStopped ? RecordingStatus.Stopped : RecordingStatus.Recording;
        _reports.Send(running.Id, status, running.Error);
    }

    private static RecordingFileKind KindOf(RecordedContent content) => content switch
    {
        RecordedContent.Mix => RecordingFileKind.Mix,
        RecordedContent.Picture => RecordingFileKind.Video,
        _ => RecordingFileKind.Audio,
    };

    private void Repair(Guid recording, string manifestPath)
    {
        try
        {
            RecordingRepair.Run(manifestPath);
            LogRepaired(_logger, recording);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotNoted(_logger, recording, e.Message);
        }
    }

    [LoggerMessage(2050, LogLevel.Information, "Recording {Recording} of room {Room} has begun")]
    private static partial void LogStarted(ILogger logger, Guid recording, string room);

    [LoggerMessage(2051, LogLevel.Information, "Recording {Recording} of room {Room} has ended: {Files} files, {Bytes} bytes")]
    private static partial void LogEnded(ILogger logger, Guid recording, string room, int files, long bytes);

    [LoggerMessage(2052, LogLevel.Error, "Recording {Recording} of room {Room} broke off; the call goes on")]
    private static partial void LogFailed(ILogger logger, Exception exception, Guid recording, string room);

    [LoggerMessage(2053, LogLevel.Information, "Recording {Recording} of room {Room} has reached its limit of {Limit}")]
    private static partial void LogLimit(ILogger logger, Guid recording, string room, string limit);

    [LoggerMessage(2054, LogLevel.Warning, "Recording {Recording}: its list of files could not be written: {Reason}")]
    private static partial void LogNotNoted(ILogger logger, Guid recording, string reason);

    [LoggerMessage(2055, LogLevel.Information, "Recording {Recording}: the files that a crash had left open are whole again")]
    private static partial void LogRepaired(ILogger logger, Guid recording);

    private sealed record RecorderRefused(RunningRecording Running);
}
