using VoiceCluster.Media.Recording.Sound;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Recording.Video;

/// <summary>Opens the file of a video track once its first key frame says how large the picture is.</summary>
internal interface IPictureFiles
{
    /// <summary>A file that begins at an instant; null when there are too many.</summary>
    PictureFile? Open(PictureTrack track, long startedAt, int width, int height, byte[] configuration);
}

/// <summary>One video producer's stream on its way to a file.</summary>
internal sealed class PictureTrack : IFrameSink
{
    /// <summary>Packets that wait for a missing one at most, and how long, µs: RTX needs some round trips.</summary>
    private const int Waiting = 1_024;
    private const long Patience = 400_000;

    private readonly IPictureFiles _files;
    private readonly ReorderBuffer _packets;
    private readonly FrameAssembler? _assembler;
    private readonly PictureClock _clock;
    private byte[] _configuration = [];
    private PictureFile? _file;

    public PictureTrack(IPictureFiles files, string participantId, PayloadFormat format, int clockRate, SoundTrack sound)
    {
        _files = files;
        ParticipantId = participantId;
        Format = format;
        Sound = sound;
        _clock = new PictureClock(clockRate);
        _assembler = FrameAssembler.Of(format, this);
        _packets = new ReorderBuffer(_assembler ?? (IPacketSink)NoFrames.Instance, Waiting, Patience);
    }

    /// <summary>Whose picture it is.</summary>
    public string ParticipantId { get; }

    /// <summary>Its codec.</summary>
    public PayloadFormat Format { get; }

    /// <summary>The sound that its file gets.</summary>
    public SoundTrack Sound { get; }

    /// <summary>True while nothing can be written before a key frame comes.</summary>
    public bool NeedsKeyFrame => _assembler is { NeedsKeyFrame: true };

    /// <summary>When it last asked for one, µs.</summary>
    public long AskedAt { get; set; } = long.MinValue / 2;

    /// <summary>Frames left out because of losses.</summary>
    public long Dropped => _assembler?.Dropped ?? 0;

    /// <summary>One packet as it came.</summary>
    public void Push(ushort sequence, uint timestamp, bool marker, ReadOnlySpan<byte> payload, long now) =>
        _packets.Push(sequence, timestamp, marker, payload, now);

    /// <summary>A report: the time stamp's instant.</summary>
    public void Report(uint timestamp, long at) => _clock.Report(timestamp, at);

    /// <summary>Lets time pass.</summary>
    public void Advance(long now) => _packets.Advance(now);

    /// <summary>Ends its file at an instant.</summary>
    public void Finish(long now)
    {
        _packets.Flush(now);
        CloseFile(now);
    }

    /// <inheritdoc/>
    void IFrameSink.OnFrame(ReadOnlySpan<byte> frame, uint timestamp, bool isKeyFrame, int width, int height, ReadOnlySpan<byte> configuration, long now)
    {
        var instant = _clock.InstantOf(timestamp, now);
        if (isKeyFrame && (_file is null || !configuration.SequenceEqual(_configuration)))
        {
            // A file has one configuration: another needs another file.
            CloseFile(instant);
            _configuration = configuration.ToArray();
            _file = _files.Open(this, instant, width, height, _configuration);
            if (_file is not null)
            {
                Sound.Add(_file);
            }
        }

        _file?.AddFrame(frame, instant, isKeyFrame);
    }

    private void CloseFile(long now)
    {
        if (_file is not null)
        {
            Sound.FillTo(now);
            Sound.Remove(_file);
            _file.Finish(now);
            _file = null;
        }
    }

    private sealed class NoFrames : IPacketSink
    {
        public static readonly NoFrames Instance = new();

        public void OnPacket(uint timestamp, bool marker, ReadOnlySpan<byte> payload, int lost, long now)
        {
        }
    }
}
