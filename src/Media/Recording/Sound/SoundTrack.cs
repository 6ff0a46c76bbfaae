using VoiceCluster.Media.Recording.Ogg;
using VoiceCluster.Media.Recording.Video;

namespace VoiceCluster.Media.Recording.Sound;

/// <summary>One line of sound of a participant, or the mix: its timeline, its Ogg file, and the video files that have it too.</summary>
internal sealed class SoundTrack : ISoundSink
{
    private readonly OggOpusWriter _writer;
    private readonly List<PictureFile> _pictures = [];
    private readonly RecordedFile _file;
    private long _position;

    public SoundTrack(RecordedFile file, OggOpusWriter writer)
    {
        (_file, _writer) = (file, writer);
        Timeline = new SoundTimeline(this, file.StartedAt);
    }

    /// <summary>Where packets go in.</summary>
    public SoundTimeline Timeline { get; }

    /// <summary>The source that fills it now, or -1.</summary>
    public int Source { get; set; } = -1;

    /// <summary>The instant up to which it is written, µs.</summary>
    public long WrittenTo => InstantOf(_position);

    /// <summary>A video file gets this sound from now on.</summary>
    public void Add(PictureFile picture) => _pictures.Add(picture);

    /// <summary>No more.</summary>
    public void Remove(PictureFile picture) => _pictures.Remove(picture);

    /// <summary>Lets time pass.</summary>
    public void Advance(long now)
    {
        Timeline.Advance(now);
        _writer.Flush();
    }

    /// <summary>Fills the timeline up to an instant, so that a video file can end there.</summary>
    public void FillTo(long now) => Timeline.Fill(now);

    /// <summary>Ends the file.</summary>
    public void Finish(long now)
    {
        var end = _writer.Finish(Timeline.Finish(now));
        _file.Duration = end * 1_000 / 48;
    }

    /// <inheritdoc/>
    void ISoundSink.OnSound(ReadOnlySpan<byte> packet, int samples)
    {
        _writer.OnSound(packet, samples);
        foreach (var picture in _pictures)
        {
            picture.AddSound(packet, InstantOf(_position));
        }

        _position += samples;
    }

    private long InstantOf(long position) => _file.StartedAt + (position * 1_000 / 48);
}
