using System.Buffers.Binary;

namespace VoiceCluster.LoadTest.Media;

/// <summary>Where a source's packets go.</summary>
internal interface IRtpSink
{
    /// <summary>Protects and sends a packet.</summary>
    void SendRtp(ReadOnlySpan<byte> packet);
}

/// <summary>
/// One stream that a client sends: frames of packets at even times. The payload's end has the time of sending, which the server
/// passes on untouched. It reuses one buffer.
/// </summary>
internal sealed class PacketSource
{
    /// <summary>Marks a payload that ends in a time: "vb", by chance in one packet of four billion.</summary>
    private const uint Mark = 0x7662_9A5F;

    /// <summary>Bytes of the mark and the time.</summary>
    public const int StampSize = 12;

    /// <summary>Microseconds after which frames that are late are left out.</summary>
    private const long MaxLag = 100_000;

    /// <summary>Frames of one swing of a lively source's loudness: four seconds of 20 ms.</summary>
    private const int SwingFrames = 200;

    private readonly byte[] _packet;
    private readonly int _payload;
    private readonly int _packetsPerFrame;
    private readonly uint _timestampStep;
    private readonly bool _video;
    private readonly long _period;
    private readonly int _clockRate;
    private long _sentAt;
    private uint _sentTimestamp;
    private ushort _sequence;
    private uint _timestamp;
    private bool _keyFrame = true;
    private readonly bool _lively;
    private readonly int _spread;
    private long _frames;
    private int _swing;

    private PacketSource(uint ssrc, byte payloadType, int payloadSize, double framesPerSecond, int packetsPerFrame, int clockRate, bool video, bool lively = false, int spread = 0)
    {
        _video = video;
        _lively = lively;
        _swing = Random.Shared.Next(SwingFrames);
        _period = (long)(1_000_000 / framesPerSecond);
        _clockRate = clockRate;
        Ssrc = ssrc;
        _packetsPerFrame = packetsPerFrame;
        _timestampStep = (uint)(clockRate / framesPerSecond);
        _payload = video ? 12 : 20;
        _spread = spread;
        _packet = new byte[_payload + payloadSize + (spread / 2)];
        Random.Shared.NextBytes(_packet.AsSpan(_payload));
        _packet[0] = video ? (byte)0x80 : (byte)0x90;
        _packet[1] = payloadType;
        BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(8), ssrc);
        if (!video)
        {
            // One-byte header extension (RFC 8285 §4.2) with the audio level as element 7 (RFC 6464 §3): voice, -20 dBov.
            BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(12), 0xBEDE0001);
            BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(16), 0x70940000);

            // An Opus packet of one 20 ms frame, fullband (RFC 6716 §3.1).
            _packet[_payload] = 0x78;
        }
    }

    /// <summary>When the next frame is due, in microseconds of the loop's clock.</summary>
    public long Due { get; set; }

    /// <summary>Its SSRC.</summary>
    public uint Ssrc { get; }

    /// <summary>It sends video, so that key frames may be asked of it.</summary>
    public bool IsVideo => _video;

    /// <summary>Packets sent, modulo 2^32 as in an SR.</summary>
    public uint PacketCount { get; private set; }

    /// <summary>Their payload bytes, likewise.</summary>
    public uint OctetCount { get; private set; }

    /// <summary>The RTP time stamp that belongs to a moment (RFC 3550 §6.4.1).</summary>
    public uint TimestampAt(long now) => _sentTimestamp + (uint)((now - _sentAt) * _clockRate / 1_000_000);

    /// <summary>Opus, payload type 111.</summary>
    public static PacketSource Audio(uint ssrc, BenchOptions options) =>
        new(ssrc, 111, options.Payload, options.Rate, 1, 48_000, video: false, options.Lively, options.PayloadSpread);

    /// <summary>VP8, payload type 96: a key frame every two seconds and whenever one is asked for.</summary>
    public static PacketSource Video(uint ssrc, BenchOptions options) =>
        new(ssrc, 96, options.VideoPayload, options.FrameRate, options.FramePackets, 90_000, video: true);

    /// <summary>The next frame begins a group of pictures.</summary>
    public void RequestKeyFrame() => _keyFrame = true;

    /// <summary>Sends the frames that are due. A loop that was held up for longer than 100 ms leaves frames out instead of sending a flood.</summary>
    public void Run(IRtpSink link, LoopFigures figures, long now)
    {
        if (now - Due > MaxLag)
        {
            figures.FramesLeftOut += (now - Due) / _period;
            Due = now;
        }

        while (Due <= now)
        {
            figures.Lag.Add(MediaLoop.Now - Due);
            SendFrame(link, now);
            Due += _period;
        }
    }

    /// <summary>The time of sending that a received payload has; false when it has none.</summary>
    public static bool TryReadTime(ReadOnlySpan<byte> packet, out long ticks)
    {
        ticks = 0;
        if (packet.Length < 12 + StampSize || BinaryPrimitives.ReadUInt32BigEndian(packet[^StampSize..]) != Mark)
        {
            return false;
        }

        ticks = BinaryPrimitives.ReadInt64BigEndian(packet[^8..]);
        return true;
    }

    private void SendFrame(IRtpSink link, long now)
    {
        if (_video && _frames++ % 60 == 0)
        {
            _keyFrame = true;
        }

        if (_lively)
        {
            // From -15 to -40 dBov and back, and some dB up and down between packets, each source at its own time.
            _swing = (_swing + 1) % SwingFrames;
            _packet[17] = (byte)(0x80 | (15 + (25 * Math.Abs(_swing - (SwingFrames / 2)) / (SwingFrames / 2)) + Random.Shared.Next(4)));
        }

        for (var i = 0; i < _packetsPerFrame; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(_packet.AsSpan(2), _sequence++);
            BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(4), _timestamp);
            if (_video)
            {
                // RFC 7741 §4.2: S begins the frame; §4.3: P of its first byte is 0 for a key frame. The marker ends the frame.
                _packet[1] = (byte)((_packet[1] & 0x7F) | (i == _packetsPerFrame - 1 ? 0x80 : 0));
                _packet[_payload] = i == 0 ? (byte)0x10 : (byte)0;
                _packet[_payload + 1] = (byte)((_packet[_payload + 1] & 0xFE) | (_keyFrame ? 0 : 1));
            }

            var packet = _packet.AsSpan(0, _packet.Length - (_spread > 0 ? Random.Shared.Next(_spread + 1) : 0));
            BinaryPrimitives.WriteUInt32BigEndian(packet[^StampSize..], Mark);
            BinaryPrimitives.WriteInt64BigEndian(packet[^8..], MediaLoop.UnixTicks);
            link.SendRtp(packet);
            OctetCount += (uint)(packet.Length - _payload);
        }

        _keyFrame = false;
        PacketCount += (uint)_packetsPerFrame;
        (_sentAt, _sentTimestamp) = (now, _timestamp);
        _timestamp += _timestampStep;
    }
}
