using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

public class ForwardingTests
{
    /// <summary>Frames after a sound that was ended on purpose.</summary>
    private const int SilentFrames = 5;

    private readonly TestRoom _room = new();

    [Fact]
    public void Audio_Packet_IsRewrittenToTheRoutersTerms()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        var consumer = Consume("p");
        _room.Receive(MediaFixtures.Opus(1, 1000, 960, level: 33));
        var sent = Assert.Single(_room.ToReceiver);
        Assert.Equal(100, sent.PayloadType);
        Assert.Equal(consumer.RtpParameters.Encodings[0].Ssrc, sent.Ssrc);
        Assert.Equal([0x78, 1, 2, 3, 4], sent.Payload);
        Assert.Equal("0"u8.ToArray(), sent.Extension(1)!);
        Assert.Equal([(byte)(0x80 | 33)], sent.Extension(10)!);
        Assert.Equal(3, sent.Extension(4)!.Length);
        Assert.Null(sent.Extension(5));
        Assert.Null(sent.Extension(7));
    }

    [Fact]
    public void Audio_OfManyToOneReceiver_HasOneLength()
    {
        // The MIDs are "0" to "10"; packets of unequal length would not leave together.
        for (var i = 0; i < 11; i++)
        {
            _room.Sender.Produce($"p{i}", MediaKind.Audio, MediaFixtures.Audio((uint)(100 + i)), false, 0);
            Consume($"p{i}", $"c{i}");
            _room.Receive(MediaFixtures.Opus((uint)(100 + i), 1000, 960, level: 33));
        }

        Assert.Equal("10"u8.ToArray(), _room.ToReceiver[^1].Extension(1)!);
        Assert.Equal(11, _room.ToReceiver.Count);
        Assert.Single(_room.ToReceiver.Select(p => p.Bytes.Length).Distinct());
        Assert.All(_room.ToReceiver, p => Assert.Equal([0x78, 1, 2, 3, 4], p.Payload));
    }

    [Fact]
    public void Audio_LateJoiner_StartsAtOnceAndContiguous()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        _room.Receive(MediaFixtures.Opus(1, 1000, 960));
        Consume("p");
        _room.Receive(MediaFixtures.Opus(1, 1001, 1920));
        _room.Receive(MediaFixtures.Opus(1, 1002, 2880));
        _room.Receive(MediaFixtures.Opus(1, 999, 0));
        AssertContiguous(2);
    }

    [Fact]
    public void Video_Join_AsksForAKeyFrameAndStartsAtIt()
    {
        _room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        _room.Receive(MediaFixtures.Vp8(1, 10, 0, key: true));
        Assert.Equal(0, _room.PictureLosses);
        Consume("p");
        Assert.Equal(1, _room.PictureLosses);
        _room.Receive(MediaFixtures.Vp8(1, 11, 3000, key: false));
        Assert.Empty(_room.ToReceiver);
        Assert.Equal(1, _room.Receiver.Stats.Dropped(DropReason.ConsumerSkipped));
        _room.Receive(MediaFixtures.Vp8(1, 12, 6000, key: true));
        _room.Receive(MediaFixtures.Vp8(1, 13, 9000, key: false));
        AssertContiguous(2);
    }

    [Fact]
    public void Video_KeyFrameBeginsLate_WhatFollowedItIsSentAfterIt()
    {
        _room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        Consume("p");
        _room.Now = 1;
        _room.Receive(MediaFixtures.Vp8(1, 10, 0, key: false));
        _room.Receive(MediaFixtures.Vp8(1, 12, 3000, key: false, start: false));
        _room.Receive(MediaFixtures.Vp8(1, 13, 6000, key: false));
        Assert.Empty(_room.ToReceiver);
        _room.Receive(MediaFixtures.Vp8(1, 11, 3000, key: true));
        AssertContiguous(3);
        Assert.Equal([3000u, 3000u, 6000u], _room.ToReceiver.Select(p => p.Timestamp));
    }

    [Fact]
    public void KeyFrameRequests_ManyWithinASecond_BecomeOneNowAndOneLater()
    {
        _room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        var consumer = Consume("p");
        for (var i = 0; i < 20; i++)
        {
            _room.Receiver.ReceiveRtcp(PictureLoss(consumer), _room.Now);
            _room.RunTo(_room.Now + 20_000);
        }

        Assert.Equal(1, _room.PictureLosses);
        _room.RunTo(1_050_000);
        Assert.Equal(2, _room.PictureLosses);

        _room.Receive(MediaFixtures.Vp8(1, 1, 0, key: true));
        _room.RunTo(5_000_000);
        Assert.Equal(2, _room.PictureLosses);
    }

    [Fact]
    public void FullIntraRequest_OfAReceiver_IsRelayed()
    {
        _room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        var consumer = Consume("p");
        _room.Receive(MediaFixtures.Vp8(1, 1, 0, key: true));
        _room.RunTo(1_500_000);
        var buffer = new byte[20];
        var writer = new RtcpWriter(buffer);
        writer.TryAddFullIntra(new Ssrc(77), Ssrc(consumer), 1);
        _room.Receiver.ReceiveRtcp(buffer.AsSpan(0, writer.Length), _room.Now);
        Assert.Equal(2, _room.PictureLosses);
    }

    [Fact]
    public void KeyFrameRequest_BeforeTheSenderConnects_GoesOutWhenItDoes()
    {
        _room.Sender.Disconnect();
        _room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        Consume("p");
        Assert.Equal(0, _room.PictureLosses);
        _room.Sender.Connect(1000);
        Assert.Equal(1, _room.PictureLosses);
    }

    [Fact]
    public void Consumer_ConnectedLate_AsksAgainAndStartsAtAKeyFrame()
    {
        _room.Receiver.Disconnect();
        _room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        Consume("p");
        _room.Receive(MediaFixtures.Vp8(1, 1, 0, key: true));
        Assert.Equal(1, _room.Receiver.Stats.Dropped(DropReason.NotConnected));
        _room.Now = 2_000_000;
        _room.Receiver.Connect(_room.Now);
        Assert.Equal(2, _room.PictureLosses);
        _room.Receive(MediaFixtures.Vp8(1, 2, 0, key: false));
        Assert.Empty(_room.ToReceiver);
        _room.Receive(MediaFixtures.Vp8(1, 3, 0, key: true));
        Assert.Single(_room.ToReceiver);
    }

    [Fact]
    public void Consumer_PausedAndResumed_ContinuesWithoutAGapAtAKeyFrame()
    {
        _room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        var consumer = Consume("p");
        _room.Receive(MediaFixtures.Vp8(1, 1, 0, key: true));
        consumer.Pause(0);
        _room.Receive(MediaFixtures.Vp8(1, 2, 3000, key: false));
        _room.Now = 3_000_000;
        consumer.Resume(_room.Now);
        Assert.Equal(2, _room.PictureLosses);
        _room.Receive(MediaFixtures.Vp8(1, 3, 6000, key: false));
        _room.Receive(MediaFixtures.Vp8(1, 4, 9000, key: true));
        AssertContiguous(2);
        Assert.Equal([0u, 9000u], _room.ToReceiver.Select(p => p.Timestamp));
    }

    [Fact]
    public void Producer_PausedAndResumed_DropsThenContinuesWithoutAGap()
    {
        var producer = _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0).Value!;
        var consumer = Consume("p");
        _room.Receive(MediaFixtures.Opus(1, 1, 0));
        producer.Pause(0);
        Assert.True(consumer.IsProducerPaused);
        _room.Receive(MediaFixtures.Opus(1, 2, 960));
        Assert.Equal(1, _room.Sender.Stats.Dropped(DropReason.ProducerPaused));
        producer.Resume(0);
        _room.Receive(MediaFixtures.Opus(1, 3, 9600));
        AssertContiguous(2 + SilentFrames);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Pause_OfAudio_EndsTheSoundWithFramesOfSilenceOnce(bool atProducer)
    {
        var producer = _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0).Value!;
        var consumer = Consume("p");
        _room.Receive(MediaFixtures.Opus(1, 1, 960, level: 20));
        Pause();
        Pause();
        AssertContiguous(1 + SilentFrames);
        for (var i = 1; i <= SilentFrames; i++)
        {
            var sent = _room.ToReceiver[i];
            Assert.Equal([0xF8, 0xFF, 0xFE], sent.Payload);
            Assert.Equal(100, sent.PayloadType);
            Assert.Equal((uint)(960 * (1 + i)), sent.Timestamp);
            Assert.Equal([(byte)127], sent.Extension(10)!);
            Assert.Equal("0"u8.ToArray(), sent.Extension(1)!);
        }

        void Pause()
        {
            if (atProducer)
            {
                producer.Pause(0);
            }
            else
            {
                consumer.Pause(0);
            }
        }
    }

    [Fact]
    public void Pause_BeforeAnySound_SendsNothing()
    {
        var producer = _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0).Value!;
        Consume("p");
        producer.Pause(0);
        Assert.Empty(_room.ToReceiver);
    }

    [Fact]
    public void Resume_BeforeTheFramesOfSilenceAreOver_KeepsTimeGrowing()
    {
        var producer = _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0).Value!;
        Consume("p");
        _room.Receive(MediaFixtures.Opus(1, 1, 960));
        producer.Pause(0);
        producer.Resume(0);
        _room.Receive(MediaFixtures.Opus(1, 2, 1920));
        _room.Receive(MediaFixtures.Opus(1, 3, 2880));
        AssertContiguous(3 + SilentFrames);
        var last = _room.ToReceiver[SilentFrames].Timestamp;
        Assert.Equal([last + 960, last + 1920], _room.ToReceiver.Skip(1 + SilentFrames).Select(p => p.Timestamp));
    }

    [Fact]
    public void Loss_AtTheSource_IsTheSameGapAtTheReceiver()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        Consume("p");
        foreach (ushort sequence in (ushort[])[65534, 0, 65535])
        {
            _room.Receive(MediaFixtures.Opus(1, sequence, 0));
        }

        var first = _room.ToReceiver[0].Sequence;
        Assert.Equal([first, (ushort)(first + 2), (ushort)(first + 1)], _room.ToReceiver.Select(p => p.Sequence));
    }

    [Fact]
    public void Duplicate_IsDroppedAndCounted()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        Consume("p");
        _room.Receive(MediaFixtures.Opus(1, 1, 0));
        _room.Receive(MediaFixtures.Opus(1, 1, 0));
        Assert.Single(_room.ToReceiver);
        Assert.Equal(1, _room.Sender.Stats.Dropped(DropReason.Duplicate));
    }

    [Fact]
    public void UnknownStreamAndPayloadType_AreDroppedAndCounted()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        Consume("p");
        _room.Receive(MediaFixtures.Opus(99, 1, 0));
        _room.Receive(MediaFixtures.Packet(96, 1, 1, 0, [1, 2, 3]));
        _room.Receive([0x80, 1]);
        Assert.Empty(_room.ToReceiver);
        Assert.Equal(1, _room.Sender.Stats.Dropped(DropReason.UnknownStream));
        Assert.Equal(1, _room.Sender.Stats.Dropped(DropReason.UnknownPayloadType));
        Assert.Equal(1, _room.Sender.Stats.Dropped(DropReason.RtpMalformed));
    }

    [Fact]
    public void Stream_NamedByMidOnly_IsFound()
    {
        var parameters = MediaFixtures.Audio(1) with { Mid = "7", Encodings = [] };
        Assert.True(_room.Sender.Produce("p", MediaKind.Audio, parameters, false, 0).IsOk);
        Consume("p");
        _room.Receive(MediaFixtures.Packet(111, 4242, 1, 0, [1, 2, 3], MediaFixtures.ClientMidId, "7"u8.ToArray()));
        _room.Receive(MediaFixtures.Packet(111, 4242, 2, 960, [1, 2, 3]));
        AssertContiguous(2);
    }

    [Fact]
    public void SenderRestart_OfItsNumbers_ContinuesForReceivers()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        Consume("p");
        _room.Receive(MediaFixtures.Opus(1, 50_000, 1_000_000));
        _room.Now = 20_000;
        _room.Receive(MediaFixtures.Opus(1, 5, 77));
        _room.Now = 40_000;
        _room.Receive(MediaFixtures.Opus(1, 6, 1037));
        AssertContiguous(2);

        // The media clock goes on by the 40 ms that passed.
        Assert.Equal(1_000_000u + 1920, _room.ToReceiver[1].Timestamp);
    }

    [Fact]
    public void ProbePadding_OfTheSource_LeavesNoGap()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        Consume("p");
        _room.Receive(MediaFixtures.Opus(1, 1, 0));
        _room.Receive(MediaFixtures.Packet(111, 1, 2, 0, []));
        _room.Receive(MediaFixtures.Opus(1, 3, 960));
        AssertContiguous(2);
    }

    [Fact]
    public void TemporalPreference_Zero_DropsHigherLayersWithoutAGap()
    {
        _room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        Consume("p").SetPreferredLayers(0, 0, 0);
        _room.Receive(MediaFixtures.Vp8(1, 1, 0, key: true));
        _room.Receive(MediaFixtures.Vp8(1, 2, 3000, key: false, tid: 1));
        _room.Receive(MediaFixtures.Vp8(1, 3, 6000, key: false));
        AssertContiguous(2);
    }

    [Fact]
    public void ProducerClosed_ClosesItsConsumersAndTellsTheListener()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        var consumer = Consume("p");
        _room.Sender.Close(0);
        Assert.True(consumer.IsClosed);
        Assert.Equal(["c", "p"], _room.Closed);
        Assert.Empty(_room.Router.Producers);
        Assert.Empty(_room.Router.Consumers);
        Assert.Single(_room.Router.Transports);
        Assert.Equal(MediaFault.Closed, _room.Sender.Produce("x", MediaKind.Audio, MediaFixtures.Audio(3), false, 0).Fault);
    }

    [Fact]
    public void ProducerClosed_ItsSsrcAndMidCanBeUsedAgain()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0).Value!.Close(0);
        Assert.True(_room.Sender.Produce("q", MediaKind.Audio, MediaFixtures.Audio(1), false, 0).IsOk);
    }

    private static Ssrc Ssrc(Consumer consumer) => new(consumer.RtpParameters.Encodings[0].Ssrc!.Value);

    private static byte[] PictureLoss(Consumer consumer)
    {
        var buffer = new byte[12];
        new RtcpWriter(buffer).TryAddPictureLoss(new Ssrc(77), Ssrc(consumer));
        return buffer;
    }

    private ProducerConsumer Consume(string producer, string id = "c")
    {
        var result = _room.Receiver.Consume(id, producer, Router.RtpCapabilities, false, _room.Now);
        Assert.True(result.IsOk, result.Error);
        return result.Value;
    }

    private void AssertContiguous(int count)
    {
        Assert.Equal(count, _room.ToReceiver.Count);
        for (var i = 1; i < count; i++)
        {
            Assert.Equal((ushort)(_room.ToReceiver[0].Sequence + i), _room.ToReceiver[i].Sequence);
        }
    }
}
