using System.Buffers.Binary;

namespace VoiceCluster.Media.Recording.Matroska;

/// <summary>
/// Writes one picture and one Opus track as WebM or Matroska (RFC 9559). While it is written the segment's size is unknown
/// and each cluster, half a second at most, is whole: a file that ends anywhere plays up to its last cluster. At the end the
/// size, the duration and an index to seek by are filled in.
/// </summary>
internal sealed class MatroskaWriter
{
    /// <summary>Milliseconds of a cluster at most.</summary>
    private const long ClusterTime = 400;

    /// <summary>Bytes of a cluster at which another begins.</summary>
    private const int ClusterSize = 1024 * 1024;

    /// <summary>Milliseconds between two entries of the index.</summary>
    private const long CueSpacing = 1_000;

    private const byte PictureTrack = 1;
    private const byte SoundTrack = 2;

    /// <summary>Bytes that the list of the main elements takes once it is known.</summary>
    private const int SeekHeadLength = 96;

    /// <summary>Bytes of the duration's element: id, size, 8 bytes.</summary>
    private const int DurationLength = 11;

    /// <summary>All ones in 8 bytes: unknown (RFC 8794 §6.2).</summary>
    private const long UnknownSize = 0x00FF_FFFF_FFFF_FFFF;

    private readonly IRecordingFile _file;
    private readonly EbmlBuffer _buffer = new();
    private readonly EbmlBuffer _cluster = new();
    private readonly List<(long Time, long Position)> _cues = [];
    private long _segmentSizeAt;
    private long _segmentStart;
    private long _seekHeadAt;
    private long _infoAt;
    private long _durationAt;
    private long _tracksAt;
    private long _clusterTime = -1;
    private long _lastCue = -CueSpacing;

    /// <param name="file">An empty file.</param>
    /// <param name="picture">The picture's codec and size.</param>
    /// <param name="channels">1 or 2 of the sound.</param>
    /// <param name="startedAt">The instant of time 0.</param>
    public MatroskaWriter(IRecordingFile file, VideoCodec picture, int channels, DateTimeOffset startedAt)
    {
        _file = file;
        WriteHead(picture, channels, startedAt);
    }

    /// <summary>One frame of the picture, at milliseconds from the beginning.</summary>
    public void AddPicture(ReadOnlySpan<byte> frame, long time, bool isKeyFrame) => AddBlock(PictureTrack, frame, time, isKeyFrame);

    /// <summary>One packet of the sound.</summary>
    public void AddSound(ReadOnlySpan<byte> packet, long time) => AddBlock(SoundTrack, packet, time, isKeyFrame: true);

    /// <summary>Writes what waits.</summary>
    public void Flush()
    {
        if (_clusterTime < 0)
        {
            return;
        }

        _buffer.Clear();
        _buffer.Id(MatroskaId.Cluster);
        _buffer.Size(_cluster.Length, 4);
        _buffer.Raw(_cluster.Written);
        _file.Append(_buffer.Written);
        _clusterTime = -1;
    }

    /// <summary>Ends the file after so many milliseconds.</summary>
    public void Finish(long duration)
    {
        Flush();
        var cuesAt = _file.Length;
        WriteCues();
        _buffer.Clear();
        _buffer.Float(MatroskaId.Duration, duration);
        _file.Patch(_durationAt, _buffer.Written);
        WriteSeekHead(_cues.Count > 0 ? cuesAt : null);

        // The size comes last: without it a reader goes by what is there.
        Span<byte> value = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(value, (_file.Length - _segmentStart) | 0x0100_0000_0000_0000);
        _file.Patch(_segmentSizeAt, value);
        _file.Close();
    }

    private void AddBlock(byte track, ReadOnlySpan<byte> bytes, long time, bool isKeyFrame)
    {
        var begins = track == PictureTrack && isKeyFrame;
        if (_clusterTime >= 0 && (begins || time - _clusterTime >= ClusterTime || time - _clusterTime < short.MinValue || _cluster.Length + bytes.Length > ClusterSize))
        {
            Flush();
        }

        if (_clusterTime < 0)
        {
            _clusterTime = Math.Max(0, time);
            _cluster.Clear();
            _cluster.Unsigned(MatroskaId.Timestamp, (ulong)_clusterTime);
            if (begins && time - _lastCue >= CueSpacing)
            {
                _lastCue = time;
                _cues.Add((time, _file.Length - _segmentStart));
            }
        }

        // RFC 9559 §10.2: track, time relative to the cluster, flags (0x80: can be decoded alone; no lacing).
        _cluster.Id(MatroskaId.SimpleBlock);
        _cluster.Size(4 + bytes.Length);
        Span<byte> head = [(byte)(0x80 | track), 0, 0, isKeyFrame ? (byte)0x80 : (byte)0];
        BinaryPrimitives.WriteInt16BigEndian(head[1..], (short)(time - _clusterTime));
        _cluster.Raw(head);
        _cluster.Raw(bytes);
    }

    private void WriteHead(VideoCodec picture, int channels, DateTimeOffset startedAt)
    {
        var b = _buffer;
        b.Clear();
        var ebml = b.Open(MatroskaId.Ebml);
        b.Unsigned(MatroskaId.EbmlVersion, 1);
        b.Unsigned(MatroskaId.EbmlReadVersion, 1);
        b.Unsigned(MatroskaId.EbmlMaxIdLength, 4);
        b.Unsigned(MatroskaId.EbmlMaxSizeLength, 8);
        b.Text(MatroskaId.DocType, picture.IsWebM ? "webm" : "matroska");
        b.Unsigned(MatroskaId.DocTypeVersion, 4);
        b.Unsigned(MatroskaId.DocTypeReadVersion, 2);
        b.Close(ebml);

        b.Id(MatroskaId.Segment);
        _segmentSizeAt = b.Length;
        b.Size(UnknownSize, 8);
        _segmentStart = b.Length;
        _seekHeadAt = b.Length;
        b.Void(SeekHeadLength);

        _infoAt = b.Length;
        var info = b.Open(MatroskaId.Info);
        b.Unsigned(MatroskaId.TimestampScale, 1_000_000);
        b.Text(MatroskaId.MuxingApp, "VoiceCluster");
        b.Text(MatroskaId.WritingApp, "VoiceCluster");

        // §5.1.2.10: nanoseconds since the beginning of 2001.
        Span<byte> date = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(date, (startedAt - new DateTimeOffset(2001, 1, 1, 0, 0, 0, TimeSpan.Zero)).Ticks * 100);
        b.Binary(MatroskaId.DateUtc, date);
        _durationAt = b.Length;
        b.Void(DurationLength);
        b.Close(info);

        _tracksAt = b.Length;
        var tracks = b.Open(MatroskaId.Tracks);
        WritePictureTrack(b, picture);
        WriteSoundTrack(b, channels);
        b.Close(tracks);
        _file.Append(b.Written);
    }

    private static void WritePictureTrack(EbmlBuffer b, VideoCodec picture)
    {
        var entry = b.Open(MatroskaId.TrackEntry);
        b.Unsigned(MatroskaId.TrackNumber, PictureTrack);
        b.Unsigned(MatroskaId.TrackUid, PictureTrack);
        b.Unsigned(MatroskaId.TrackType, 1);
        b.Unsigned(MatroskaId.FlagLacing, 0);
        b.Text(MatroskaId.Language, "und");
        b.Text(MatroskaId.CodecId, picture.CodecId);
        if (picture.Configuration.Length > 0)
        {
            b.Binary(MatroskaId.CodecPrivate, picture.Configuration);
        }

        var video = b.Open(MatroskaId.Video);
        b.Unsigned(MatroskaId.PixelWidth, (ulong)picture.Width);
        b.Unsigned(MatroskaId.PixelHeight, (ulong)picture.Height);
        b.Close(video);
        b.Close(entry);
    }

    private static void WriteSoundTrack(EbmlBuffer b, int channels)
    {
        var entry = b.Open(MatroskaId.TrackEntry);
        b.Unsigned(MatroskaId.TrackNumber, SoundTrack);
        b.Unsigned(MatroskaId.TrackUid, SoundTrack);
        b.Unsigned(MatroskaId.TrackType, 2);
        b.Unsigned(MatroskaId.FlagLacing, 0);
        b.Text(MatroskaId.Language, "und");
        b.Text(MatroskaId.CodecId, "A_OPUS");

        // RFC 7845 §5.1, without samples to skip; 80 ms to decode before a place that is sought (§4.6).
        b.Binary(MatroskaId.CodecPrivate, [.. "OpusHead"u8, 1, (byte)channels, 0, 0, 0x80, 0xBB, 0, 0, 0, 0, 0]);
        b.Unsigned(MatroskaId.SeekPreRoll, 80_000_000);
        var audio = b.Open(MatroskaId.Audio);
        b.Float(MatroskaId.SamplingFrequency, 48_000);
        b.Unsigned(MatroskaId.Channels, (ulong)channels);
        b.Close(audio);
        b.Close(entry);
    }

    private void WriteCues()
    {
        if (_cues.Count == 0)
        {
            return;
        }

        _buffer.Clear();
        var cues = _buffer.Open(MatroskaId.Cues);
        foreach (var (time, position) in _cues)
        {
            var point = _buffer.Open(MatroskaId.CuePoint);
            _buffer.Unsigned(MatroskaId.CueTime, (ulong)time);
            var track = _buffer.Open(MatroskaId.CueTrackPositions);
            _buffer.Unsigned(MatroskaId.CueTrack, PictureTrack);
            _buffer.Unsigned(MatroskaId.CueClusterPosition, (ulong)position);
            _buffer.Close(track);
            _buffer.Close(point);
        }

        _buffer.Close(cues);
        _file.Append(_buffer.Written);
    }

    private void WriteSeekHead(long? cuesAt)
    {
        _buffer.Clear();
        var head = _buffer.Open(MatroskaId.SeekHead);
        Seek(MatroskaId.Info, _infoAt);
        Seek(MatroskaId.Tracks, _tracksAt);
        if (cuesAt is { } position)
        {
            Seek(MatroskaId.Cues, position);
        }

        _buffer.Close(head);
        _buffer.Void(SeekHeadLength - _buffer.Length);
        _file.Patch(_seekHeadAt, _buffer.Written);

        void Seek(uint id, long position)
        {
            Span<byte> name = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(name, id);
            var seek = _buffer.Open(MatroskaId.Seek);
            _buffer.Binary(MatroskaId.SeekId, name);
            _buffer.Unsigned(MatroskaId.SeekPosition, (ulong)(position - _segmentStart));
            _buffer.Close(seek);
        }
    }
}
