using Concentus;
using Concentus.Enums;
using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

/// <summary>Silence of senders with DTX through the whole router.</summary>
public sealed class SilenceTests
{
    private static readonly byte[] Dtx = [0x78];
    private static readonly byte[] Sound = [0x78, 1, 2, 3, 4, 5];

    private readonly TestRoom _room = new();
    private ushort _sequence = 65_500;
    private uint _timestamp = 4_294_900_000;

    [Fact]
    public void SilentPackets_AreLeftOut_WithoutAGapInNumbersAndWithTimeThatGoesOn()
    {
        Produce();
        Consume();
        Talk(Sound, 10);
        Talk(Dtx, 50);
        Talk(Sound, 10);

        // Ten of sound, one into silence and two more in a second of it, ten of sound.
        Assert.Equal(23, _room.ToReceiver.Count);
        AssertContiguous();
        Assert.Equal(69 * 960, (int)(_room.ToReceiver[^1].Timestamp - _room.ToReceiver[0].Timestamp));
        Assert.Equal(47, _room.Sender.Stats.Dropped(DropReason.Silence));
        Assert.True(_room.ToReceiver[13].Marker);
        Assert.Equal(2, _room.ToReceiver.Count(p => p.Marker));
    }

    [Fact]
    public void LossWithinSilence_StaysTheOneLossThatItIs()
    {
        Produce();
        Consume();
        Talk(Sound, 5);
        Talk(Dtx, 5);
        Lose(2);
        Talk(Dtx, 5);
        Talk(Sound, 5);

        var first = _room.ToReceiver[0].Sequence;
        Assert.Equal(11 + 2, (ushort)(_room.ToReceiver[^1].Sequence - first) + 1);
    }

    [Fact]
    public void LatePacketOfSound_FindsItsPlace()
    {
        Produce();
        Consume();
        Talk(Sound, 5);
        var (sequence, timestamp) = (++_sequence, _timestamp += 960);
        Talk(Dtx, 3);
        Send(sequence, timestamp, Sound);
        Talk(Sound, 3);

        Assert.Equal(10, _room.ToReceiver.Count);
        var numbers = _room.ToReceiver.Select(p => (ushort)(p.Sequence - _room.ToReceiver[0].Sequence)).Order();
        Assert.Equal(Enumerable.Range(0, 10).Select(n => (ushort)n), numbers);
    }

    [Fact]
    public void SwitchedOff_EverythingIsForwarded()
    {
        var room = new TestRoom(new RouterOptions { Seed = 1, ForwardsSilence = true });
        room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        Assert.True(room.Receiver.Consume("c", "p", Router.RtpCapabilities, false, 0).IsOk);
        for (ushort i = 0; i < 50; i++)
        {
            room.Receive(MediaFixtures.Packet(MediaFixtures.ClientOpus, 1, i, i * 960u, Dtx));
        }

        Assert.Equal(50, room.ToReceiver.Count);
    }

    [Fact]
    public void Decoder_HearsTheSameSamples_AsWithEveryPacket()
    {
        Assert.True(OpusSupport.IsAvailable, "The system has no libopus.");
        Produce();
        Consume();
        var packets = Encode();
        Assert.True(packets.Count(p => Opus.IsDtx(p)) > 50, "The encoder did not go to DTX.");
        foreach (var packet in packets)
        {
            Talk(packet, 1);
        }

        AssertContiguous();
        Assert.True(_room.ToReceiver.Count < packets.Length - 40);

        // As a receiver plays: each packet at its time; where there is none and no number is missing, the decoder's comfort noise.
        using var every = OpusCodecFactory.CreateDecoder(48_000, 1);
        using var left = OpusCodecFactory.CreateDecoder(48_000, 1);
        var (a, b) = (new float[960], new float[960]);
        var next = 0;
        for (var i = 0; i < packets.Length; i++)
        {
            every.Decode(packets[i], a, 960);
            var due = next < _room.ToReceiver.Count && _room.ToReceiver[next].Timestamp - _room.ToReceiver[0].Timestamp == (uint)(i * 960);
            left.Decode(due ? _room.ToReceiver[next++].Payload : [], b, 960);
            Assert.Equal(a, b);
        }

        Assert.Equal(_room.ToReceiver.Count, next);
    }

    [Fact]
    public void LeavingOut_AllocatesNothing()
    {
        var router = new Router("room", new RouterOptions { Seed = 1 });
        var sender = new LoopbackTransport(router, "s");
        sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        for (var i = 0; i < 10; i++)
        {
            var receiver = new LoopbackTransport(router, $"r{i}");
            Assert.True(receiver.Consume($"c{i}", "p", Router.RtpCapabilities, false, 0).IsOk);
        }

        var silent = MediaFixtures.Packet(MediaFixtures.ClientOpus, 1, 0, 0, Dtx, MediaFixtures.ClientAudioLevelId, [0xFF]);
        var loud = MediaFixtures.Packet(MediaFixtures.ClientOpus, 1, 0, 0, Sound, MediaFixtures.ClientAudioLevelId, [0x80 | 30]);
        var now = 1L;
        ushort sequence = 0;
        Run(500);
        var before = Allocations.Begin();
        Run(2_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(sender.Stats.Dropped(DropReason.Silence) > 1_000);

        void Run(int packets)
        {
            for (var i = 0; i < packets; i++)
            {
                var packet = i % 50 < 5 ? loud : silent;
                System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), ++sequence);
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), sequence * 960u);
                sender.ReceiveRtp(packet, now += 20_000);
            }
        }
    }

    // Half a second of a tone, two of nothing, half of a tone again.
    private static byte[][] Encode()
    {
        using var encoder = OpusCodecFactory.CreateEncoder(48_000, 1, OpusApplication.OPUS_APPLICATION_VOIP);
        encoder.Bitrate = 24_000;
        encoder.SignalType = OpusSignal.OPUS_SIGNAL_VOICE;
        encoder.UseDTX = true;
        var packets = new byte[150][];
        var frame = new float[960];
        var buffer = new byte[1_275];
        for (var i = 0; i < packets.Length; i++)
        {
            for (var s = 0; s < frame.Length; s++)
            {
                frame[s] = i is < 25 or >= 125 ? 0.3f * MathF.Sin(2 * MathF.PI * 220 * ((i * 960) + s) / 48_000) : 0;
            }

            packets[i] = buffer[..encoder.Encode(frame, 960, buffer, buffer.Length)];
        }

        return packets;
    }

    private void Produce() => Assert.True(_room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0).IsOk);

    private void Consume() => Assert.True(_room.Receiver.Consume("c", "p", Router.RtpCapabilities, false, 0).IsOk);

    private void Talk(byte[] payload, int packets)
    {
        for (var i = 0; i < packets; i++)
        {
            Send(++_sequence, _timestamp = unchecked(_timestamp + 960), payload);
            _room.RunTo(_room.Now + 20_000);
        }
    }

    private void Lose(int packets) => (_sequence, _timestamp) = ((ushort)(_sequence + packets), unchecked(_timestamp + (uint)(960 * packets)));

    private void Send(ushort sequence, uint timestamp, byte[] payload)
        => _room.Receive(MediaFixtures.Packet(MediaFixtures.ClientOpus, 1, sequence, timestamp, payload));

    private void AssertContiguous()
    {
        for (var i = 1; i < _room.ToReceiver.Count; i++)
        {
            Assert.Equal((ushort)(_room.ToReceiver[i - 1].Sequence + 1), _room.ToReceiver[i].Sequence);
        }
    }
}
