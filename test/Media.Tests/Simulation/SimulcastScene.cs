using System.Buffers.Binary;
using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>
/// One sender of sound and of a simulcast picture in virtual time (150 kbit/s, 500 kbit/s and 1.5 Mbit/s, each of three temporal
/// layers at 30 frames a second), and viewers behind links that have a rate and a queue.
/// </summary>
internal sealed class SimulcastScene
{
    public const long Second = 1_000_000;

    private static readonly int[] FrameSizes = [625, 2_083, 6_250];
    private static readonly int[] TemporalLayers = [0, 2, 1, 2];

    private readonly LoopbackTransport _sender;
    private readonly List<Viewer> _viewers = [];
    private readonly ushort[] _sequences = [100, 60_000, 40_000];
    private readonly bool[] _keyWanted = [true, true, true];
    private readonly byte[] _tl0 = new byte[3];
    private readonly bool _temporalLayers;
    private ushort _audioSequence;
    private long _nextAudio;
    private long _nextFrame;
    private int _frame;

    /// <param name="simulcast">Three streams, else one of 150 kbit/s.</param>
    /// <param name="adapts">Whether receivers' networks are estimated.</param>
    /// <param name="temporalLayers">Else every frame is needed by the next.</param>
    public SimulcastScene(bool simulcast = true, bool adapts = true, bool temporalLayers = true)
    {
        _temporalLayers = temporalLayers;
        Router = new Router("room", new RouterOptions { Seed = 1, AdaptsVideo = adapts });
        _sender = new LoopbackTransport(Router, "sender") { RtcpSent = TakeFeedback };
        Encodings = simulcast ? 3 : 1;
        var parameters = MediaFixtures.Simulcast() with
        {
            Encodings = [.. Enumerable.Range(0, Encodings).Select(i => new RtpEncodingParameters { Rid = $"r{i}", ScalabilityMode = temporalLayers ? "L1T3" : "L1T1" })],
        };
        Assert.True(_sender.Produce("video", MediaKind.Video, parameters, false, Now).IsOk);
        Assert.True(_sender.Produce("audio", MediaKind.Audio, MediaFixtures.Audio(50), false, Now).IsOk);
    }

    public Router Router { get; }

    public int Encodings { get; }

    public long Now { get; private set; } = 10 * Second;

    /// <summary>What the sender was told last to stay below, bits a second; null before.</summary>
    public long? ToldBitrate { get; private set; }

    /// <summary>Key frames asked of the sender, per encoding.</summary>
    public int[] KeyFrameRequests { get; } = new int[3];

    public Viewer Join(string name, long rate, bool video = true)
    {
        var viewer = new Viewer(this, name, rate, video);
        _viewers.Add(viewer);
        return viewer;
    }

    public void Run(long duration)
    {
        for (var end = Now + duration; Now < end;)
        {
            Now += 1_000;
            SendAudio();
            SendFrame();
            if (_sender.Deadline <= Now)
            {
                _sender.Advance(Now);
            }

            foreach (var viewer in _viewers)
            {
                viewer.Tick(Now);
            }
        }
    }

    /// <summary>Lets time pass until something holds; gives the seconds it took, or fails after so many.</summary>
    public double RunUntil(Func<bool> condition, double seconds, Func<string> state)
    {
        var start = Now;
        while (!condition())
        {
            Assert.True(Now - start < seconds * Second, $"not within {seconds} s: {state()}");
            Run(10_000);
        }

        return (Now - start) / (double)Second;
    }

    private void SendAudio()
    {
        if (Now >= _nextAudio)
        {
            _nextAudio = Now + 20_000;
            var payload = new byte[80];
            payload[0] = 0x78;
            BinaryPrimitives.WriteInt64BigEndian(payload.AsSpan(8), Now);
            _sender.ReceiveRtp(MediaFixtures.Packet(MediaFixtures.ClientOpus, 50, _audioSequence, _audioSequence * 960u, payload), Now);
            _audioSequence++;
        }
    }

    private void SendFrame()
    {
        if (Now < _nextFrame)
        {
            return;
        }

        _nextFrame = Now + 33_333;
        for (var encoding = 0; encoding < Encodings; encoding++)
        {
            var isKey = _keyWanted[encoding];
            _keyWanted[encoding] = false;
            var layer = isKey || !_temporalLayers ? 0 : TemporalLayers[_frame % 4];
            _tl0[encoding] += (byte)(layer == 0 ? 1 : 0);
            var left = FrameSizes[encoding] * (isKey ? 3 : 1);
            for (var isFirst = true; left > 0; isFirst = false)
            {
                var length = Math.Min(left, 1_100);
                left -= length;
                var payload = MediaFixtures.Vp8Payload(isFirst, isKey, _frame & 0x7FFF, _tl0[encoding], layer, Math.Max(40, length));
                payload[20] = (byte)encoding;
                _sender.ReceiveRtp(
                    MediaFixtures.Packet(
                        MediaFixtures.ClientVp8, 70 + (uint)encoding, _sequences[encoding]++, (uint)(_frame * 3_000), payload, MediaFixtures.ClientMidId, "v1"u8.ToArray(), left <= 0,
                        MediaFixtures.ClientRidId, [(byte)'r', (byte)('0' + encoding)]),
                    Now);
            }
        }

        _frame++;
    }

    private void TakeFeedback(ReadOnlySpan<byte> compound, long now)
    {
        var reader = new RtcpReader(compound);
        while (reader.MoveNext())
        {
            if (reader.Current is { Type: RtcpType.PayloadFeedback, Count: PayloadFeedbackFormat.Application } && Remb.TryRead(reader.Current.FeedbackControl, out var remb))
            {
                ToldBitrate = remb.Bitrate;
            }

            if (reader.Current is { Type: RtcpType.PayloadFeedback, Count: PayloadFeedbackFormat.PictureLoss } && reader.Current.MediaSource.Value is >= 70 and < 73)
            {
                _keyWanted[(int)reader.Current.MediaSource.Value - 70] = true;
                KeyFrameRequests[(int)reader.Current.MediaSource.Value - 70]++;
            }
        }
    }

    /// <summary>One receiver: reports arrivals, and notes what it gets.</summary>
    public sealed class Viewer
    {
        private const byte TransportCcId = 5;

        private readonly BottleneckLink _up = new(20_000, 500_000) { Rate = 10_000_000 };
        private readonly TransportFeedbackGenerator _feedback = new();
        private readonly byte[] _buffer = new byte[1_500];
        private readonly SimulcastScene _scene;
        private readonly uint _videoSsrc;
        private readonly uint _rtxSsrc;
        private readonly uint _audioSsrc;
        private long _feedbackAt;
        private int _lastAudio = -1;

        public Viewer(SimulcastScene scene, string name, long rate, bool video)
        {
            _scene = scene;
            Down = new BottleneckLink(20_000, 500_000) { Rate = rate };
            Transport = new LoopbackTransport(scene.Router, name)
            {
                RtpSent = (p, now) => Down.Send(p, false, now),
                RtcpSent = (p, now) => Down.Send(p, true, now),
            };
            var audio = Transport.Consume($"{name}-audio", "audio", Router.RtpCapabilities, false, scene.Now).Value!;
            _audioSsrc = audio.RtpParameters.Encodings[0].Ssrc!.Value;
            if (video)
            {
                Video = Transport.Consume($"{name}-video", "video", Router.RtpCapabilities, false, scene.Now).Value!;
                _videoSsrc = Video.RtpParameters.Encodings[0].Ssrc!.Value;
                _rtxSsrc = Video.RtpParameters.Encodings[0].Rtx!.Ssrc;
            }
        }

        public LoopbackTransport Transport { get; }

        public ProducerConsumer? Video { get; }

        public BottleneckLink Down { get; }

        /// <summary>The encoding of the last frame that came; -1 before.</summary>
        public int Layer { get; private set; } = -1;

        /// <summary>The lowest encoding since it was last set.</summary>
        public int LowestLayer { get; set; } = 2;

        public long LastFrameAt { get; private set; }

        /// <summary>µs between two frames since it was last set.</summary>
        public long LongestGap { get; set; }

        public int Padding { get; private set; }

        public int AudioPackets { get; private set; }

        /// <summary>Of all video and padding, since it was last set.</summary>
        public long VideoBits { get; set; }

        /// <summary>Pictures since it was last set.</summary>
        public int Frames { get; set; }

        public int AudioLost { get; set; }

        /// <summary>µs from the sender to here, of sound, since it was last set.</summary>
        public long WorstAudioDelay { get; set; }

        public override string ToString()
            => $"layer {Layer}, starved {Video?.IsStarved}, estimate {Transport.Stats.AvailableOutgoingBitrate}, queue {Down.QueueDelay} µs, dropped {Down.Dropped}, padding {Padding}";

        public void Tick(long now)
        {
            while (Down.TryReceive(now, out var packet, out var isRtcp))
            {
                if (!isRtcp)
                {
                    Take(SentRtp.From(packet), now);
                }
            }

            if (now >= _feedbackAt)
            {
                _feedbackAt = now + TransportFeedbackGenerator.Interval;
                while (_feedback.IsDue)
                {
                    var writer = new RtcpWriter(_buffer);
                    Assert.True(_feedback.TryWrite(ref writer, new Ssrc(1)));
                    _up.Send(_buffer.AsSpan(0, writer.Length), true, now);
                }
            }

            while (_up.TryReceive(now, out var feedback, out _))
            {
                Transport.ReceiveRtcp(feedback, now);
            }

            if (Transport.Deadline <= now)
            {
                Transport.Advance(now);
                Assert.True(Transport.Deadline > now, "a timer that is always due");
            }
        }

        private void Take(SentRtp packet, long now)
        {
            if (packet.Extension(TransportCcId) is { } number)
            {
                _feedback.OnPacket(BinaryPrimitives.ReadUInt16BigEndian(number), new Ssrc(packet.Ssrc), now);
            }

            VideoBits += packet.Ssrc == _audioSsrc ? 0 : packet.Payload.Length * 8;
            if (packet.Ssrc == _audioSsrc)
            {
                AudioPackets++;
                AudioLost += _lastAudio < 0 ? 0 : (ushort)(packet.Sequence - _lastAudio) - 1;
                _lastAudio = packet.Sequence;
                WorstAudioDelay = Math.Max(WorstAudioDelay, now - BinaryPrimitives.ReadInt64BigEndian(packet.Payload.AsSpan(8)));
            }
            else if (packet.Ssrc == _rtxSsrc)
            {
                Padding++;
            }
            else if (packet.Ssrc == _videoSsrc && packet.Marker)
            {
                Frames++;
                Layer = packet.Payload.Length > 20 ? packet.Payload[20] : Layer;
                LowestLayer = Math.Min(LowestLayer, Layer);
                LongestGap = Math.Max(LongestGap, LastFrameAt == 0 ? 0 : now - LastFrameAt);
                LastFrameAt = now;
            }
        }
    }
}
