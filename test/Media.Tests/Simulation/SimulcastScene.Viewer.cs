using System.Buffers.Binary;
using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>Who receives: a link, a receiver as browsers are, and what it got.</summary>
internal sealed partial class SimulcastScene
{
    /// <summary>One receiver: reports arrivals, asks for what is missing, and notes what it gets.</summary>
    public sealed class Viewer
    {
        private const byte TransportCcId = 5;

        /// <summary>Packets that a receiver reads in a millisecond after a stall.</summary>
        private const int Speed = 5;

        private readonly Queue<(byte[] Report, long At)> _late = new();
        private readonly BottleneckLink _up = new(20_000, 500_000) { Rate = 10_000_000 };
        private readonly TransportFeedbackGenerator _feedback = new();
        private readonly PictureReceiver _pictures = new();
        private readonly byte[] _buffer = new byte[1_500];
        private Random _random = new(7);
        private readonly SimulcastScene _scene;
        private readonly uint _audioSsrc;
        private long _feedbackAt;
        private long _nackAt;
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
            _pictures.Shown = Show;
            if (video)
            {
                Watch();
            }
        }

        public LoopbackTransport Transport { get; }

        public ProducerConsumer? Video { get; private set; }

        public BottleneckLink Down { get; }

        /// <summary>The encoding of the last picture; -1 before.</summary>
        public int Layer { get; private set; } = -1;

        /// <summary>The lowest encoding since it was last set.</summary>
        public int LowestLayer { get; set; } = 2;

        public long LastFrameAt => _pictures.ShownAt;

        /// <summary>µs between two pictures since it was last set, the present gap included.</summary>
        public long LongestGap
        {
            get => Math.Max(field, LastFrameAt == 0 ? 0 : _scene.Now - LastFrameAt);
            set;
        }

        /// <summary>When the receiver gets no processor: packets are read, and reports written, when it goes on.</summary>
        public Stalls? Stalls { get; set; }

        /// <summary>Share of packets that the network loses, whatever their number.</summary>
        public double Loss { get; set; }

        /// <summary>µs that a report takes beside its way.</summary>
        public Func<long> ReportDelay { get; set; } = () => 0;

        public int Padding { get; private set; }

        public int AudioPackets { get; private set; }

        /// <summary>Of all video and padding, since it was last set.</summary>
        public long VideoBits { get; set; }

        /// <summary>Pictures since it was last set.</summary>
        public int Frames { get; set; }

        public int AudioLost { get; set; }

        /// <summary>µs from the sender to here, of sound, since it was last set.</summary>
        public long WorstAudioDelay { get; set; }

        /// <summary>Whether the picture was ever paused for want of room.</summary>
        public bool HasStarved { get; set; }

        public override string ToString()
            => $"layer {Layer}, starved {Video?.IsStarved}, estimate {Transport.Stats.AvailableOutgoingBitrate}, queue {Down.QueueDelay} µs, dropped {Down.Dropped}, padding {Padding}";

        /// <summary>Which packets the network loses.</summary>
        public void Reseed(int seed) => _random = new Random(seed);

        /// <summary>Consumes the picture as well.</summary>
        public void Watch()
            => Video = Transport.Consume($"{Transport.Id}-video", "video", Router.RtpCapabilities, false, _scene.Now).Value!;

        public void Tick(long now)
        {
            HasStarved |= Video?.IsStarved == true;
            if (Stalls?.At(now) != true)
            {
                Receive(now);
            }

            while (_up.TryReceive(now, out var report, out _))
            {
                _late.Enqueue((report, now + ReportDelay()));
            }

            while (_late.TryPeek(out var next) && next.At <= now)
            {
                _scene._atNode.Enqueue((_late.Dequeue().Report, true, this));
            }
        }

        private void Receive(long now)
        {
            for (var i = 0; (Stalls is null || i < Speed) && Down.TryReceive(now, out var packet, out var isRtcp); i++)
            {
                if (!isRtcp && (Loss == 0 || _random.NextDouble() >= Loss))
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

            if (now >= _nackAt && Video is not null)
            {
                _nackAt = now + 20_000;
                var (nacks, keyFrame) = _pictures.Ask(now);
                var writer = new RtcpWriter(_buffer);
                var ssrc = new Ssrc(Video.RtpParameters.Encodings[0].Ssrc!.Value);
                writer.AddNack(new Ssrc(1), ssrc, nacks);
                if (keyFrame)
                {
                    writer.TryAddPictureLoss(new Ssrc(1), ssrc);
                }

                if (writer.Length > 0)
                {
                    _up.Send(_buffer.AsSpan(0, writer.Length), true, now);
                }
            }
        }

        private void Take(SentRtp packet, long now)
        {
            if (packet.Extension(TransportCcId) is { } number)
            {
                _feedback.OnPacket(BinaryPrimitives.ReadUInt16BigEndian(number), new Ssrc(packet.Ssrc), now);
            }

            VideoBits += packet.Ssrc == _audioSsrc ? 0 : packet.Payload.Length * 8;
            var encoding = Video?.RtpParameters.Encodings[0];
            if (packet.Ssrc == _audioSsrc)
            {
                AudioPackets++;
                AudioLost += _lastAudio < 0 ? 0 : (ushort)(packet.Sequence - _lastAudio) - 1;
                _lastAudio = packet.Sequence;
                WorstAudioDelay = Math.Max(WorstAudioDelay, now - BinaryPrimitives.ReadInt64BigEndian(packet.Payload.AsSpan(8)));
            }
            else if (packet.Ssrc == encoding?.Rtx?.Ssrc)
            {
                Padding++;
                if (packet.Payload.Length > 2)
                {
                    _pictures.Take(BinaryPrimitives.ReadUInt16BigEndian(packet.Payload), packet.Timestamp, packet.Marker, packet.Payload.AsSpan(2), now);
                }
            }
            else if (packet.Ssrc == encoding?.Ssrc)
            {
                _pictures.Take(packet.Sequence, packet.Timestamp, packet.Marker, packet.Payload, now);
            }
        }

        private void Show(int layer)
        {
            LongestGap = LongestGap;
            Frames++;
            Layer = layer < 0 ? Layer : layer;
            LowestLayer = Math.Min(LowestLayer, Layer);
        }
    }
}
