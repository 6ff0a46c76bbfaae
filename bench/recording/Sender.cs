using System.Buffers.Binary;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Bench.Recording;

/// <summary>A participant: a packet of sound each 20 ms, and a frame of four packets each 33 ms.</summary>
internal sealed class Sender
{
    private readonly Inlet _inlet;
    private readonly byte[] _sound = new byte[12 + 120];
    private readonly byte[] _picture = new byte[12 + 1_050];
    private readonly bool _video;
    private long _nextSound;
    private long _nextFrame;
    private ushort _soundNumber;
    private ushort _pictureNumber;
    private int _frames;

    public Sender(Router router, int index, bool video)
    {
        _video = video;
        _inlet = new Inlet(router, $"participant-{index}");
        _inlet.Produce($"a{index}", MediaKind.Audio, Parse("audio/opus", 111, 48_000, "\"channels\":2,", (2 * index) + 1), false, 0);
        if (video)
        {
            _inlet.Produce($"v{index}", MediaKind.Video, Parse("video/VP8", 96, 90_000, "", (2 * index) + 2), false, 0);
        }

        Head(_sound, 111, (2 * index) + 1);
        Head(_picture, 96, (2 * index) + 2);
        new Random(index).NextBytes(_sound.AsSpan(13));
        new Random(index).NextBytes(_picture.AsSpan(22));
        _sound[12] = 0x78;
    }

    public void Send(long now)
    {
        for (; _nextSound <= now; _nextSound += 20_000)
        {
            Stamp(_sound, ++_soundNumber, (uint)(_soundNumber * 960));
            _inlet.ReceiveRtp(_sound, now);
        }

        for (; _video && _nextFrame <= now; _nextFrame += 33_333)
        {
            var key = _frames++ % 90 == 0;
            for (var packet = 0; packet < 4; packet++)
            {
                // RFC 7741 §4.2: the beginning of a frame; RFC 6386 §9.1: a key frame of 1280 by 720.
                _picture[12] = packet == 0 ? (byte)0x10 : (byte)0;
                ((ReadOnlySpan<byte>)(key && packet == 0 ? [0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x00, 0x05, 0xD0] : [0x11, 1, 1, 1, 1, 1, 1, 1, 1])).CopyTo(_picture.AsSpan(13));
                _picture[1] = (byte)(96 | (packet == 3 ? 0x80 : 0));
                Stamp(_picture, ++_pictureNumber, (uint)(_frames * 3_000));
                _inlet.ReceiveRtp(_picture, now);
            }
        }
    }

    private static void Head(byte[] packet, byte payloadType, int ssrc)
    {
        packet[0] = 0x80;
        packet[1] = payloadType;
        BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(8), ssrc);
    }

    private static void Stamp(byte[] packet, ushort number, uint timestamp)
    {
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), number);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), timestamp);
    }

    private static RtpParameters Parse(string codec, int payloadType, int clock, string more, int ssrc)
    {
        var json = $$$"""{"mid":"{{{ssrc}}}","codecs":[{"mimeType":"{{{codec}}}","payloadType":{{{payloadType}}},"clockRate":{{{clock}}},{{{more}}}"parameters":{},"rtcpFeedback":[]}],"headerExtensions":[],"encodings":[{"ssrc":{{{ssrc}}}}],"rtcp":{"cname":"c"}}""";
        return RtpParameters.TryParse(json, out var parameters, out var error) ? parameters : throw new InvalidOperationException(error);
    }

    private sealed class Inlet(Router router, string id) : Transport(router, id)
    {
        private readonly byte[] _buffer = new byte[Datagram.MaxSize];

        protected override Span<byte> RentPacket() => _buffer;

        protected override void CommitRtp(int length, long now)
        {
        }

        protected override void CommitRtcp(int length, long now)
        {
        }
    }
}
