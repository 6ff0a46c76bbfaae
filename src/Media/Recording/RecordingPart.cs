using VoiceCluster.Media.Recording.Matroska;
using VoiceCluster.Media.Recording.Ogg;
using VoiceCluster.Media.Recording.Sound;
using VoiceCluster.Media.Recording.Video;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Recording;

/// <summary>What a part is told at its making.</summary>
public sealed record RecordingPartOptions
{
    /// <summary>A title for the files' headers: the room's name.</summary>
    public string Title { get; init; } = "";

    /// <summary>Add it to `now` for µs of Unix time.</summary>
    public long UnixTimeOffset { get; init; }

    /// <summary>Files at most; a client that starts and ends its camera all day shall not fill the directory. Default 500.</summary>
    public int MaxFiles { get; init; } = 500;
}

/// <summary>
/// One stretch of a recording on one media node: packets, reports and `now` in, files out. Each participant's sound is one
/// file from its first track on; it goes on in the same file when the participant comes back. Each video track is one file,
/// with that sound. Sans-IO and single-threaded; an exception of a file leaves it, after which the part is of no more use.
/// </summary>
public sealed class RecordingPart : IPictureFiles
{
    /// <summary>µs between two requests of one track for a key frame.</summary>
    private const long KeyFrameInterval = 1_000_000;

    private readonly RecordingPartOptions _options;
    private readonly IRecordingFiles _sink;
    private readonly long _startedAt;
    private readonly Dictionary<int, SoundTrack> _sounds = [];
    private readonly Dictionary<int, PictureTrack> _pictures = [];
    private readonly Dictionary<string, List<SoundTrack>> _byParticipant = new(StringComparer.Ordinal);
    private readonly List<SoundTrack> _allSounds = [];
    private readonly List<RecordedFile> _files = [];
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);

    /// <summary>Begins a part.</summary>
    public RecordingPart(RecordingPartOptions options, IRecordingFiles sink, long now) => (_options, _sink, _startedAt) = (options, sink, now);

    /// <summary>Its files, those that are written among them.</summary>
    public IReadOnlyList<RecordedFile> Files => _files;

    /// <summary>Bytes of all files.</summary>
    public long Bytes { get; internal set; }

    /// <summary>When it began, µs of `now`.</summary>
    public long StartedAt => _startedAt;

    /// <summary>Tracks that found no place because of <see cref="RecordingPartOptions.MaxFiles"/>.</summary>
    public int Refused { get; private set; }

    /// <summary>A producer's stream begins, or the mix with null for the participant.</summary>
    public void AddSource(int source, string? participantId, PayloadFormat format, int clockRate, long now)
    {
        if (participantId is null)
        {
            if (OpenSound(null, "mixed.ogg", 1, now) is { } mix)
            {
                _sounds.Add(source, mix);
            }
        }
        else if (format == PayloadFormat.Opus)
        {
            if (SoundFor(participantId, needsFree: true, now) is { } sound)
            {
                sound.Source = source;
                sound.Timeline.Begin(now);
                _sounds.Add(source, sound);
            }
        }
        else if (format is PayloadFormat.Vp8 or PayloadFormat.Vp9 or PayloadFormat.H264 && SoundFor(participantId, needsFree: false, now) is { } sound)
        {
            _pictures.Add(source, new PictureTrack(this, participantId, format, clockRate, sound));
        }
    }

    /// <summary>A stream ended. Sound goes on as silence; a video file ends.</summary>
    public void RemoveSource(int source, long now)
    {
        if (_sounds.Remove(source, out var sound))
        {
            sound.Source = -1;
        }

        if (_pictures.Remove(source, out var picture))
        {
            picture.Finish(now);
        }
    }

    /// <summary>One packet of a source.</summary>
    public void Push(int source, ushort sequence, uint timestamp, bool marker, ReadOnlySpan<byte> payload, long now)
    {
        if (_sounds.TryGetValue(source, out var sound))
        {
            sound.Timeline.Push(sequence, timestamp, payload, now);
        }
        else if (_pictures.TryGetValue(source, out var picture))
        {
            picture.Push(sequence, timestamp, marker, payload, now);
        }
    }

    /// <summary>A sender report of a source: the time stamp's instant, µs of `now`.</summary>
    public void Report(int source, uint timestamp, long at)
    {
        if (_sounds.TryGetValue(source, out var sound))
        {
            sound.Timeline.Report(timestamp, at);
        }
        else if (_pictures.TryGetValue(source, out var picture))
        {
            picture.Report(timestamp, at);
        }
    }

    /// <summary>Lets time pass; to be called some ten times a second. Sources that need a key frame are added to the list.</summary>
    public void Advance(long now, List<int> keyFramesWanted)
    {
        foreach (var (source, picture) in _pictures)
        {
            picture.Advance(now);
            if (picture.NeedsKeyFrame && now - picture.AskedAt >= KeyFrameInterval)
            {
                picture.AskedAt = now;
                keyFramesWanted.Add(source);
            }
        }

        foreach (var sound in _allSounds)
        {
            sound.Advance(now);
        }
    }

    /// <summary>Ends all files at one instant.</summary>
    public void Finish(long now)
    {
        foreach (var picture in _pictures.Values)
        {
            picture.Finish(now);
        }

        foreach (var sound in _allSounds)
        {
            sound.Finish(now);
        }

        _pictures.Clear();
        _sounds.Clear();
        _allSounds.Clear();
    }

    /// <inheritdoc/>
    PictureFile? IPictureFiles.Open(PictureTrack track, long startedAt, int width, int height, byte[] configuration)
    {
        var codec = new VideoCodec(VideoCodec.IdOf(track.Format), width, height, configuration);
        var extension = codec.IsWebM ? "webm" : "mkv";
        var type = codec.IsWebM ? "video/webm" : "video/x-matroska";
        return TryOpen(NameOf(track.ParticipantId, "video", extension), track.ParticipantId, RecordedContent.Picture, type, startedAt, out var file, out var description)
            ? new PictureFile(description, new MatroskaWriter(file, codec, 2, DateTimeOffset.UnixEpoch.AddMicroseconds(startedAt + _options.UnixTimeOffset)))
            : null;
    }

    // A participant's sound that nobody fills, or any when only the picture wants it; a new one otherwise.
    private SoundTrack? SoundFor(string participantId, bool needsFree, long now)
    {
        if (!_byParticipant.TryGetValue(participantId, out var tracks))
        {
            _byParticipant.Add(participantId, tracks = []);
        }

        var free = needsFree ? tracks.Find(t => t.Source < 0) : tracks.FirstOrDefault();
        if (free is null && OpenSound(participantId, NameOf(participantId, "audio", "ogg"), 2, now) is { } opened)
        {
            tracks.Add(free = opened);
        }

        return free;
    }

    private SoundTrack? OpenSound(string? participantId, string name, int channels, long now)
    {
        var content = participantId is null ? RecordedContent.Mix : RecordedContent.Sound;
        if (!TryOpen(name, participantId, content, "audio/ogg", now, out var file, out var description))
        {
            return null;
        }

        var writer = new OggOpusWriter(file, channels, (uint)_files.Count, $"TITLE={_options.Title}", $"ARTIST={participantId ?? "all"}");
        var track = new SoundTrack(description, writer);
        _allSounds.Add(track);
        return track;
    }

    private bool TryOpen(
        string name,
        string? participantId,
        RecordedContent content,
        string type,
        long now,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out CountedFile? file,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RecordedFile? description)
    {
        (file, description) = (null, null);
        if (_files.Count >= _options.MaxFiles)
        {
            Refused++;
            return false;
        }

        description = new RecordedFile(name, participantId, content, type, now);
        file = new CountedFile(_sink.Create(name), description, this);
        _files.Add(description);
        return true;
    }

    // Ids are free text, so files are numbered: by participant, and by track.
    private string NameOf(string participantId, string kind, string extension)
    {
        var who = NumberOf("", participantId);
        var which = _numbers[$"{kind}/{participantId}"] = _numbers.GetValueOrDefault($"{kind}/{participantId}") + 1;
        return $"{who:D2}-{kind}-{which:D2}.{extension}";
    }

    private int NumberOf(string scope, string participantId)
    {
        if (!_numbers.TryGetValue($"{scope}:{participantId}", out var number))
        {
            number = _numbers[$"{scope}:{participantId}"] = _numbers.GetValueOrDefault("count") + 1;
            _numbers["count"] = number;
        }

        return number;
    }
}
