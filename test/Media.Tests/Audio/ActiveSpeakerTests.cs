using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.ActiveSpeakers;

public class ActiveSpeakerTests
{
    private readonly TestRoom _room = new();
    private ushort _sequence;

    [Fact]
    public void Speech_Begins_IsReportedWithin100Milliseconds()
    {
        Produce(1);
        Talk(1_000_000, (1, 127));
        Assert.Empty(_room.Speakers);
        Talk(200_000, (1, 30));
        Assert.InRange(_room.Speakers[0].Now, 1_000_000, 1_100_000);
        Assert.Equal(["p1"], _room.Speakers[0].Producers);
    }

    [Fact]
    public void Speech_Ends_IsReportedAfter400Milliseconds()
    {
        Produce(1);
        Talk(1_000_000, (1, 30));
        Talk(1_000_000, (1, 127));
        var (now, producers) = _room.Speakers[^1];
        Assert.Empty(producers);
        Assert.InRange(now, 980_000 + 300_000, 980_000 + 500_000);
    }

    [Fact]
    public void Speech_PausesBetweenWords_DoNotEndIt()
    {
        Produce(1);
        for (var i = 0; i < 5; i++)
        {
            Talk(300_000, (1, 30));
            Talk(300_000, (1, 127));
        }

        Assert.DoesNotContain(_room.Speakers, s => s.Producers.Length == 0);
    }

    [Fact]
    public void OneLoudPacket_IsNoSpeech()
    {
        Produce(1);
        Talk(20_000, (1, 10));
        Talk(500_000, (1, 127));
        Assert.Empty(_room.Speakers);
    }

    [Fact]
    public void TwoSpeakers_LouderIsFirst()
    {
        Produce(1);
        Produce(2);
        Talk(1_000_000, (1, 40), (2, 20));
        Assert.Equal(["p2", "p1"], _room.Speakers[^1].Producers);
    }

    [Fact]
    public void PausedProducer_NeverSpeaks()
    {
        var producer = Produce(1);
        Talk(300_000, (1, 20));
        producer.Pause(_room.Now);
        Assert.Empty(_room.Speakers[^1].Producers);
        var reports = _room.Speakers.Count;
        Talk(1_000_000, (1, 20));
        Assert.Equal(reports, _room.Speakers.Count);
    }

    [Fact]
    public void ClosedProducer_SpeaksNoMore()
    {
        var producer = Produce(1);
        Talk(300_000, (1, 20));
        producer.Close(_room.Now);
        Assert.Empty(_room.Speakers[^1].Producers);
    }

    [Fact]
    public void WildLevels_AreReportedAtMostTenTimesASecond()
    {
        for (uint i = 1; i <= 6; i++)
        {
            Produce(i);
        }

        var random = new Random(7);
        for (var i = 0; i < 1000; i++)
        {
            Talk(20_000, [.. Enumerable.Range(1, 6).Select(n => ((uint)n, (byte)random.Next(0, 128)))]);
        }

        for (var i = 10; i < _room.Speakers.Count; i++)
        {
            Assert.True(_room.Speakers[i].Now - _room.Speakers[i - 10].Now >= 1_000_000);
        }
    }

    [Fact]
    public void SetAudioLevel_OfAProducerWithoutTheExtension_MakesItSpeak()
    {
        var producer = Produce(1);
        producer.SetAudioLevel(new AudioLevel(20, true), 20_000);
        producer.SetAudioLevel(new AudioLevel(20, true), 40_000);
        Assert.Equal(["p1"], Assert.Single(_room.Speakers).Producers);
    }

    private VoiceCluster.Media.Routing.Producer Produce(uint ssrc)
        => _room.Sender.Produce($"p{ssrc}", MediaKind.Audio, MediaFixtures.Audio(ssrc), false, 0).Value!;

    private void Talk(long duration, params (uint Ssrc, byte Level)[] voices)
    {
        for (var end = _room.Now + duration; _room.Now < end;)
        {
            _sequence++;
            foreach (var (ssrc, level) in voices)
            {
                _room.Receive(MediaFixtures.Opus(ssrc, _sequence, _sequence * 960u, level));
            }

            _room.RunTo(_room.Now + 20_000);
        }
    }
}
