using System.Buffers.Binary;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>Video from a client of one node to a client of another, with a bad network between the nodes, for 20 s of virtual time.</summary>
public sealed class LossyPipeTests : IDisposable
{
    private const long Millisecond = 1_000;
    private const long Duration = 20_000 * Millisecond;

    private readonly PipedRooms _rooms = new(loss: 0.03, delay: 15 * Millisecond, jitter: 20 * Millisecond);
    private readonly HashSet<int> _arrived = [];
    private readonly Dictionary<int, long> _sentAt = [];
    private ExtendedSequence _sequence;
    private long _worst;
    private bool _keyWanted = true;

    public void Dispose() => _rooms.Dispose();

    [Fact]
    public void Video_ThreePercentLossBetweenTheNodes_EveryPacketArrives_AndKeyFramesAreAskedAcross()
    {
        var alice = _rooms.A.Join("alice");
        alice.RtcpSent = (p, _) => _keyWanted |= TestRoom.Count(p.ToArray(), RtcpType.PayloadFeedback, PayloadFeedbackFormat.PictureLoss) > 0;
        alice.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, _rooms.Now);
        var (a, b) = _rooms.Connect();
        _rooms.Pipe(a, b, "p");
        var bob = _rooms.B.Join("bob");
        bob.RtpSent = (p, now) => Take(p, now);
        var consumer = bob.Consume("c", "p", Router.RtpCapabilities, false, _rooms.Now).Value!;

        ushort sequence = 64_000;
        var number = 0;
        var keyFrames = 0;
        var asked = false;
        for (int frame = 0; _rooms.Now < Duration; frame++)
        {
            if (!asked && _rooms.Now > Duration / 2)
            {
                // A viewer at the other node lost its picture: its request crosses the pipe, however many times that takes.
                asked = true;
                keyFrames = 0;
                var buffer = new byte[64];
                var writer = new RtcpWriter(buffer);
                writer.TryAddPictureLoss(new Ssrc(9), new Ssrc(consumer.RtpParameters.Encodings[0].Ssrc!.Value));
                bob.ReceiveRtcp(buffer.AsSpan(0, writer.Length), _rooms.Now);
            }

            keyFrames += _keyWanted ? 1 : 0;
            for (var i = 0; i < 6; i++)
            {
                var payload = MediaFixtures.Vp8Payload(i == 0, _keyWanted && i == 0, frame & 0x7FFF, (byte)frame, length: 900);
                BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(20), number);
                _sentAt[number++] = _rooms.Now;
                alice.ReceiveRtp(MediaFixtures.Packet(96, 1, sequence++, (uint)(frame * 3000), payload, marker: i == 5), _rooms.Now);
            }

            _keyWanted = false;
            _rooms.Run(33 * Millisecond);
        }

        Assert.InRange(_rooms.A.Link.Lost, 60, 400);
        Assert.True(keyFrames >= 1, "no key frame was asked for across the pipe");
        var first = _arrived.Min();
        Assert.True(_sentAt[first] < 2_000 * Millisecond, "the picture began late");
        var missing = _sentAt.Where(s => s.Key >= first && s.Value < Duration - (1_000 * Millisecond) && !_arrived.Contains(s.Key)).ToArray();
        Assert.Empty(missing);
        Assert.InRange(_worst, 15 * Millisecond, 1_000 * Millisecond);
        Assert.InRange(b.Stats.NacksSent, _rooms.A.Link.Lost / 2, _rooms.A.Link.Lost * 8);
        Assert.True(b.Stats.RtxPacketsReceived > 50);
        Assert.True(a.Stats.PacketsRetransmitted >= b.Stats.RtxPacketsReceived);
    }

    private void Take(ReadOnlySpan<byte> bytes, long now)
    {
        var sent = SentRtp.From(bytes);
        Assert.NotEqual(SequenceVerdict.Suspect, _sequence.Update(new SequenceNumber(sent.Sequence), out _));
        var number = BinaryPrimitives.ReadInt32BigEndian(sent.Payload.AsSpan(20));
        Assert.True(_arrived.Add(number), "a packet came twice");
        _worst = Math.Max(_worst, now - _sentAt[number]);
    }
}
