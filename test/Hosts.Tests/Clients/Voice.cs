using System.Buffers.Binary;

namespace VoiceCluster.Hosts.Tests.Clients;

/// <summary>
/// What a talker says: 50 numbered frames a second. While it moves from one media node to another, it says them on both links,
/// as a client that makes its new transports before it closes the old ones.
/// </summary>
internal sealed class Voice(int speaker)
{
    /// <summary>Microseconds of an Opus frame, and its 48 kHz samples.</summary>
    public const long FramePeriod = 20_000;
    private const uint FrameSamples = 960;
    private const int PayloadStart = 20;
    private const int FrameBytes = 80;

    // An Opus packet's first byte (RFC 6716 §3.1): a CELT frame of 20 ms, one in the packet. Nobody decodes the rest.
    private const byte OpusToc = 0xF8;

    private readonly byte[] _packet = new byte[PayloadStart + FrameBytes];
    private readonly List<Line> _lines = [];
    private long _nextFrame;
    private int _frame;

    /// <summary>Frames that were said.</summary>
    public int Frames => Volatile.Read(ref _frame);

    /// <summary>The speaker and the number of a frame.</summary>
    public static (int Speaker, int Frame) Read(ReadOnlySpan<byte> payload) => payload.Length < 9
        ? (-1, -1)
        : (BinaryPrimitives.ReadInt32BigEndian(payload[1..]), BinaryPrimitives.ReadInt32BigEndian(payload[5..]));

    /// <summary>On the media thread: says what follows on this link as well.</summary>
    public void Begin(MediaLink link, uint ssrc) => _lines.Add(new Line(link, ssrc));

    /// <summary>On the media thread: no more on this link.</summary>
    public void End(MediaLink link) => _lines.RemoveAll(l => l.Link == link);

    /// <summary>On the media thread: says what is due.</summary>
    public void Speak(long now)
    {
        _nextFrame = _nextFrame == 0 ? now : _nextFrame;
        for (; _nextFrame <= now; _nextFrame += FramePeriod, Volatile.Write(ref _frame, _frame + 1))
        {
            foreach (var line in _lines)
            {
                Write(line);
                line.Link.SendRtp(_packet);
            }
        }
    }

    private void Write(Line line)
    {
        _packet[0] = 0x90;
        _packet[1] = 111;
        BinaryPrimitives.WriteUInt16BigEndian(_packet.AsSpan(2), line.Sequence++);
        BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(4), (uint)_frame * FrameSamples);
        BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(8), line.Ssrc);

        // One-byte header extension (RFC 8285 §4.2) with the audio level as element 7 (RFC 6464 §3): voice, -20 dBov.
        BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(12), 0xBEDE0001);
        _packet[16] = 7 << 4;
        _packet[17] = 0x80 | 20;
        _packet[PayloadStart] = OpusToc;
        BinaryPrimitives.WriteInt32BigEndian(_packet.AsSpan(PayloadStart + 1), speaker);
        BinaryPrimitives.WriteInt32BigEndian(_packet.AsSpan(PayloadStart + 5), _frame);
    }

    private sealed class Line(MediaLink link, uint ssrc)
    {
        public MediaLink Link => link;

        public uint Ssrc => ssrc;

        public ushort Sequence { get; set; }
    }
}
