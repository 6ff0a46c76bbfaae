using VoiceCluster.Media.Recording.Matroska;

namespace VoiceCluster.Media.Recording.Video;

/// <summary>
/// One WebM or Matroska file. Sound, which is always being written, sets the pace: a frame waits until the sound has come to
/// its instant, so that blocks stand in the order of time.
/// </summary>
internal sealed class PictureFile(RecordedFile file, MatroskaWriter writer)
{
    /// <summary>Bytes that wait at most; then frames go ahead of the sound.</summary>
    private const int MaxWaiting = 8 * 1024 * 1024;

    private readonly Queue<(byte[] Bytes, long Instant, bool IsKeyFrame)> _frames = [];
    private long _soundTo = file.StartedAt;
    private int _waiting;

    /// <summary>One packet of the participant's sound; what was before the file's beginning is left out.</summary>
    public void AddSound(ReadOnlySpan<byte> packet, long instant)
    {
        if (instant < file.StartedAt)
        {
            return;
        }

        _soundTo = instant;
        WriteFramesTo(instant);
        writer.AddSound(packet, TimeOf(instant));
    }

    /// <summary>One frame.</summary>
    public void AddFrame(ReadOnlySpan<byte> frame, long instant, bool isKeyFrame)
    {
        if (_frames.Count == 0 && instant <= _soundTo)
        {
            writer.AddPicture(frame, TimeOf(instant), isKeyFrame);
            return;
        }

        _frames.Enqueue((frame.ToArray(), instant, isKeyFrame));
        _waiting += frame.Length;
        if (_waiting > MaxWaiting)
        {
            WriteFramesTo(long.MaxValue);
        }
    }

    /// <summary>Ends the file at an instant.</summary>
    public void Finish(long now)
    {
        WriteFramesTo(long.MaxValue);
        var duration = Math.Max(0, now - file.StartedAt);
        writer.Finish((duration + 500) / 1_000);
        file.Duration = duration;
    }

    private void WriteFramesTo(long instant)
    {
        while (_frames.TryPeek(out var next) && next.Instant <= instant)
        {
            _frames.Dequeue();
            _waiting -= next.Bytes.Length;
            writer.AddPicture(next.Bytes, TimeOf(next.Instant), next.IsKeyFrame);
        }
    }

    private long TimeOf(long instant) => Math.Max(0, (instant - file.StartedAt + 500) / 1_000);
}
