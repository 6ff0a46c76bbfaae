using System.Buffers.Binary;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>A sender, the router and a receiver with a bad network on both legs, for 30 s of virtual time.</summary>
public class LossyNetworkTests
{
    private const long Millisecond = 1000;
    private const long Duration = 30_000 * Millisecond;
    private const double Loss = 0.02;

    private readonly Random _random = new(42);
    private readonly SimulatedLink[] _links;
    private readonly Router _router = new("room", new RouterOptions { Seed = 5, UnixTimeOffset = 1_700_000_000_000_000 });
    private readonly LoopbackTransport _senderSide;
    private readonly LoopbackTransport _receiverSide;

    public LossyNetworkTests()
    {
        // Up and down for the sender, then for the receiver: 20 ms and up to 30 ms of jitter each.
        _links = [.. Enumerable.Range(0, 4).Select(_ => new SimulatedLink(_random, Loss, 20 * Millisecond, 30 * Millisecond))];
        _senderSide = new LoopbackTransport(_router, "s") { RtcpSent = (p, now) => _links[1].Send(p, true, now) };
        _receiverSide = new LoopbackTransport(_router, "r")
        {
            RtpSent = (p, now) => _links[2].Send(p, false, now),
            RtcpSent = (p, now) => _links[2].Send(p, true, now),
        };
    }

    [Fact]
    public void Video_TwoPercentLossAnd30MsJitter_EveryPacketArrivesWithinASecond()
    {
        _senderSide.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        var consumer = _receiverSide.Consume("c", "p", Router.RtpCapabilities, false, 0).Value!;
        var encoding = consumer.RtpParameters.Encodings[0];
        var client = new VideoClient(_links[0]);
        var player = new VideoPlayer(_links[3], encoding.Ssrc!.Value, encoding.Rtx!.Ssrc);

        Run(client.Tick, client.Receive, player.Tick, player.Receive);

        // Which source packets the player missed, by the number inside the payload: none after the first that came.
        Assert.True(client.Sent > 7000);
        var first = player.First;
        Assert.True(client.SentAt[first] < 1_000 * Millisecond, "the picture began late");
        var worst = 0L;
        foreach (var (number, sentAt) in client.SentAt)
        {
            if (number < first || sentAt > Duration - (1_000 * Millisecond))
            {
                continue;
            }

            Assert.True(player.ArrivedAt.TryGetValue(number, out var arrivedAt), $"Packet {number} never came.");
            worst = Math.Max(worst, arrivedAt - sentAt);
        }

        Assert.InRange(worst, 60 * Millisecond, 1_000 * Millisecond);
        Assert.InRange(_links[0].Lost, 100, 400);
        Assert.InRange(_senderSide.Stats.NacksSent, _links[0].Lost / 2, _links[0].Lost * 6);
        Assert.True(_receiverSide.Stats.PacketsRetransmitted > 100);
    }

    [Fact]
    public void Audio_TwoPercentLossAnd30MsJitter_HasOnlyTheLoss()
    {
        _senderSide.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        _receiverSide.Consume("c", "p", Router.RtpCapabilities, false, 0);
        var received = new HashSet<ushort>();
        ushort sequence = 65000;
        var sent = 0;
        var nextAt = 0L;
        Run(
            now =>
            {
                if (now >= nextAt)
                {
                    nextAt = now + (20 * Millisecond);
                    sent++;
                    _links[0].Send(MediaFixtures.Opus(1, sequence, sequence++ * 960u), false, now);
                }
            },
            (_, _) => { },
            _ => { },
            (packet, _) => Assert.True(received.Add(SentRtp.From(packet).Sequence)));

        // Nothing but what the network lost is missing: up to three packets may still be under way.
        var rtcpDown = _links[2].Sent - _receiverSide.Stats.RtpPacketsSent;
        Assert.InRange(received.Count, sent - _links[0].Lost - _links[2].Lost - 6, sent - _links[0].Lost - _links[2].Lost + (int)rtcpDown);
        Assert.InRange(received.Count, sent * 0.93, sent * 0.985);
        Assert.Equal(0, _senderSide.Stats.NacksSent);
    }

    private void Run(Action<long> sender, Action<byte[], long> toSender, Action<long> receiver, Action<byte[], long> toReceiver)
    {
        for (var now = 0L; now < Duration; now += Millisecond)
        {
            sender(now);
            while (_links[0].TryReceive(now, out var packet, out var isRtcp))
            {
                Deliver(_senderSide, packet, isRtcp, now);
            }

            while (_links[1].TryReceive(now, out var packet, out _))
            {
                toSender(packet, now);
            }

            while (_links[2].TryReceive(now, out var packet, out var isRtcp))
            {
                if (!isRtcp)
                {
                    toReceiver(packet, now);
                }
            }

            receiver(now);
            while (_links[3].TryReceive(now, out var packet, out var isRtcp))
            {
                Deliver(_receiverSide, packet, isRtcp, now);
            }

            foreach (var transport in (LoopbackTransport[])[_senderSide, _receiverSide])
            {
                if (transport.Deadline <= now)
                {
                    transport.Advance(now);
                }
            }
        }
    }

    private static void Deliver(LoopbackTransport transport, byte[] packet, bool isRtcp, long now)
    {
        if (isRtcp)
        {
            transport.ReceiveRtcp(packet, now);
        }
        else
        {
            transport.ReceiveRtp(packet, now);
        }
    }

    /// <summary>Sends 30 frames a second of eight packets, key frames when asked; answers NACK by RTX.</summary>
    private sealed class VideoClient(SimulatedLink up)
    {
        private readonly Dictionary<ushort, byte[]> _history = [];
        private ushort _sequence = 64000;
        private ushort _rtxSequence;
        private long _nextFrameAt;
        private int _frame;
        private bool _keyWanted = true;

        public int Sent { get; private set; }

        public Dictionary<int, long> SentAt { get; } = [];

        public void Tick(long now)
        {
            if (now < _nextFrameAt)
            {
                return;
            }

            _nextFrameAt = now + (33 * Millisecond);
            for (var i = 0; i < 8; i++)
            {
                var payload = MediaFixtures.Vp8Payload(i == 0, _keyWanted && i == 0, _frame & 0x7FFF, (byte)_frame, length: 1000);
                BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(20), Sent);
                SentAt[Sent++] = now;
                _history[_sequence] = payload;
                up.Send(MediaFixtures.Packet(96, 1, _sequence++, (uint)(_frame * 3000), payload, marker: i == 7), false, now);
            }

            _frame++;
            _keyWanted = false;
        }

        public void Receive(byte[] packet, long now)
        {
            var reader = new RtcpReader(packet);
            while (reader.MoveNext())
            {
                if (reader.Current is { Type: RtcpType.PayloadFeedback, Count: PayloadFeedbackFormat.PictureLoss })
                {
                    _keyWanted = true;
                }
                else if (reader.Current is { Type: RtcpType.TransportFeedback, Count: TransportFeedbackFormat.Nack })
                {
                    var nack = new NackReader(reader.Current.FeedbackControl);
                    while (nack.MoveNext())
                    {
                        if (_history.TryGetValue(nack.Current.Value, out var payload))
                        {
                            var sequence = nack.Current.Value;
                            up.Send(MediaFixtures.Packet(97, 2, _rtxSequence++, 0, [(byte)(sequence >> 8), (byte)sequence, .. payload]), false, now);
                        }
                    }
                }
            }
        }
    }

    /// <summary>Asks for what is missing as a browser does, and notes when each source packet came.</summary>
    private sealed class VideoPlayer(SimulatedLink up, uint ssrc, uint rtxSsrc)
    {
        private readonly NackGenerator _nack = new();
        private readonly ushort[] _wanted = new ushort[100];
        private ExtendedSequence _sequence;

        public int First { get; private set; } = -1;

        public Dictionary<int, long> ArrivedAt { get; } = [];

        public void Receive(byte[] bytes, long now)
        {
            Assert.True(RtpPacket.TryParse(bytes, out var packet));
            var isRetransmission = packet.Ssrc.Value == rtxSsrc;
            if (isRetransmission)
            {
                Assert.True(Rtx.TryRestore(packet, new Ssrc(ssrc), new PayloadType(101), out packet));
            }

            Assert.NotEqual(SequenceVerdict.Suspect, _sequence.Update(packet.SequenceNumber, out var extended));
            Assert.True(_nack.OnPacket(extended, isRetransmission, now));
            var number = BinaryPrimitives.ReadInt32BigEndian(packet.Payload[20..]);
            First = First < 0 ? number : First;
            ArrivedAt.TryAdd(number, now);
        }

        public void Tick(long now)
        {
            var count = _nack.Count == 0 ? 0 : _nack.Collect(now, 0, _wanted);
            if (count > 0)
            {
                var buffer = new byte[500];
                var writer = new RtcpWriter(buffer);
                Assert.Equal(count, writer.AddNack(new Ssrc(77), new Ssrc(ssrc), _wanted.AsSpan(0, count)));
                up.Send(buffer.AsSpan(0, writer.Length), true, now);
            }
        }
    }
}
