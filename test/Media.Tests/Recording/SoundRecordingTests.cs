using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Tests.Recording;

public sealed class SoundRecordingTests
{
    private const long Start = RecordingRun.Start;
    private const long Second = 1_000_000;

    private readonly RecordingRun _run = new();

    [Fact]
    public void SteadyStream_IsWrittenUntouched_AndLastsAsLongAsTheWallClock()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        _run.Speak(1, Start, Start + (10 * Second));
        _run.Finish(Start + (10 * Second) + 7_000);

        var places = AssertWhole(10 * Second + 7_000, out _);
        Assert.Equal(500, places.Count);
        Assert.All(places, p => Assert.InRange(p.Written - p.Spoken, 0, 25_000));
    }

    [Fact]
    public void LateJoiner_HasAFileThatBeginsWithIt()
    {
        _run.At(Start + (3 * Second), () => _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, _run.Now));
        _run.Speak(1, Start + (4 * Second), Start + (6 * Second));
        _run.Finish(Start + (8 * Second));

        var file = Assert.Single(_run.Part.Files);
        Assert.Equal((Start + (3 * Second), 5 * Second), (file.StartedAt, file.Duration));
        var places = AssertWhole(5 * Second, out _, from: Start + (3 * Second));
        Assert.All(places, p => Assert.InRange(p.Written - p.Spoken, 0, 25_000));
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.1)]
    [InlineData(0.3)]
    public void Loss_LeavesEverySurvivorInItsPlace(double loss)
    {
        var random = new Random(7);
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        var sent = 0;
        _run.Speak(1, Start, Start + (20 * Second), _ =>
        {
            var survives = random.NextDouble() >= loss;
            sent += survives ? 1 : 0;
            return survives ? 10_000 : null;
        });
        _run.Finish(Start + (20 * Second));

        var places = AssertWhole(20 * Second, out var reader);

        // The last ones may arrive after the end.
        Assert.InRange(places.Count, sent - 3, sent);
        Assert.All(places, p => Assert.InRange(p.Written - p.Spoken, 0, 30_000));

        // Short holes are left to the player's concealment: packets of one byte (RFC 7845 §4.1).
        Assert.Contains(reader.Sound, p => p.Length == 1);
    }

    [Fact]
    public void Reordering_IsUndone()
    {
        var random = new Random(3);
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        _run.Speak(1, Start, Start + (10 * Second), i => i == 0 ? 0 : random.Next(90_000));
        _run.Finish(Start + (11 * Second));

        var places = AssertWhole(11 * Second, out _);
        Assert.Equal(500, places.Count);
        Assert.Equal(places.OrderBy(p => p.Spoken).Select(p => p.Spoken), places.Select(p => p.Spoken));
        Assert.All(places, p => Assert.InRange(p.Written - p.Spoken, 0, 25_000));
    }

    [Fact]
    public void DtxAndMute_BecomeSilence()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);

        // Speaks a second, then one packet each 400 ms for two, then nothing for ten, then speaks again.
        _run.Speak(1, Start, Start + Second);
        var sender = new RecordingRun.SoundSender(Start, 1_000, 0);
        for (var i = 0; i < 5; i++)
        {
            var at = Start + Second + (400_000L * i);
            var number = (ushort)(60 + i);
            _run.At(at + 25_000, () => _run.Part.Push(1, number, sender.TimestampAt(at), false, RecordingRun.Spoken(at), _run.Now));
        }

        for (var i = 0; i < 50; i++)
        {
            var at = Start + (13 * Second) + (20_000L * i);
            var number = (ushort)(65 + i);
            _run.At(at + 25_000, () => _run.Part.Push(1, number, sender.TimestampAt(at), false, RecordingRun.Spoken(at), _run.Now));
        }

        _run.Finish(Start + (15 * Second));
        var places = AssertWhole(15 * Second, out _);
        Assert.Equal(105, places.Count);
        Assert.All(places, p => Assert.InRange(p.Written - p.Spoken, 0, 25_000));
    }

    [Fact]
    public void Rejoin_GoesOnInTheSameFile_WithSilenceBetween()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        _run.Speak(1, Start, Start + (2 * Second));
        _run.At(Start + (2 * Second) + 30_000, () => _run.Part.RemoveSource(1, _run.Now));
        _run.At(Start + (6 * Second), () => _run.Part.AddSource(2, "alice", PayloadFormat.Opus, 48_000, _run.Now));
        _run.Speak(2, Start + (7 * Second), Start + (9 * Second), timestamp: 0xFFFF_FF00, sequence: 65_530);
        _run.Finish(Start + (10 * Second));

        Assert.Single(_run.Part.Files);
        var places = AssertWhole(10 * Second, out _);
        Assert.Equal(200, places.Count);
        Assert.All(places, p => Assert.InRange(p.Written - p.Spoken, 0, 25_000));
    }

    [Fact]
    public void SecondTrackAtOnce_HasAFileOfItsOwn()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        _run.Part.AddSource(2, "alice", PayloadFormat.Opus, 48_000, Start);
        _run.Part.AddSource(3, "../etc/pass wd", PayloadFormat.Opus, 48_000, Start);
        _run.Part.AddSource(4, null, PayloadFormat.Opus, 48_000, Start);
        _run.Finish(Start + Second);
        Assert.Equal(["01-audio-01.ogg", "01-audio-02.ogg", "02-audio-01.ogg", "mixed.ogg"], _run.Files.Files.Keys.Order());
        Assert.All(_run.Files.Files.Values, f => Assert.Equal(48_000, new OggReader(f.Bytes).Samples));
    }

    [Theory]
    [InlineData(200e-6)]
    [InlineData(-200e-6)]
    public void ClockThatDrifts_IsFollowedByReports(double clockError)
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        var sender = _run.Speak(1, Start, Start + (1_200 * Second), clockError: clockError);
        for (var at = Start + Second; at < Start + (1_200 * Second); at += Second)
        {
            var reported = at;
            _run.At(at, () => _run.Part.Report(1, sender.TimestampAt(reported), reported));
        }

        _run.Finish(Start + (1_200 * Second));
        var places = AssertWhole(1_200 * Second, out _);
        Assert.All(places, p => Assert.InRange(p.Written - p.Spoken, -45_000, 45_000));

        // 240 ms in 20 minutes: a dozen packets are left out or made up, not more.
        Assert.InRange(places.Count, 60_000 - 16, 60_000);
    }

    [Fact]
    public void Report_MendsTheFirstGuessOfASlowNetwork()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);

        // The first packet took 190 ms more than the others.
        var sender = _run.Speak(1, Start, Start + (5 * Second), i => i == 0 ? 200_000 : Math.Max(10_000, 200_000 - (20_000 * i)));
        _run.At(Start + Second, () => _run.Part.Report(1, sender.TimestampAt(_run.Now - 10_000), _run.Now));
        _run.Finish(Start + (6 * Second));
        Assert.All(AssertWhole(6 * Second, out _).Where(p => p.Spoken > Start + (2 * Second)), p => Assert.InRange(p.Written - p.Spoken, -25_000, 45_000));
    }

    [Fact]
    public void TimestampsThatLeap_BeginAnewWhereTheyCame()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        _run.Speak(1, Start, Start + (2 * Second), sequence: 100);
        _run.Speak(1, Start + (2 * Second), Start + (4 * Second), timestamp: 3_000_000_000, sequence: 200);
        _run.Finish(Start + (5 * Second));
        var places = AssertWhole(5 * Second, out _);
        Assert.InRange(places.Count, 198, 200);
        Assert.All(places, p => Assert.InRange(p.Written - p.Spoken, 0, 30_000));
    }

    [Fact]
    public void JunkPackets_AreLeftOut()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        _run.Part.Push(1, 1, 1, false, [0xFF, 0xFF], Start);
        _run.Part.Push(1, 2, 2, false, [], Start);
        _run.Part.Push(99, 2, 2, false, [1], Start);
        _run.Finish(Start + Second);
        Assert.Empty(AssertWhole(Second, out _));
    }

    [Fact]
    public void FileCutAnywhere_ReadsUpToItsLastSecond()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        _run.Speak(1, Start, Start + (10 * Second));
        for (var at = Start + Second; at <= Start + (10 * Second); at += 333_000)
        {
            // As it would be after a kill at this moment: what was appended so far.
            _run.RunTo(at);
            var reader = new OggReader(_run.Files["01-audio-01.ogg"]);
            Assert.InRange(reader.Samples, (at - Start - Second) * 48 / 1_000, (at - Start) * 48 / 1_000);
        }

        var whole = _run.Files["01-audio-01.ogg"];
        for (var length = 0; length < whole.Length; length += 97)
        {
            var cut = new OggReader(whole[..length]);
            cut.AssertGranules();
            Assert.True(length - cut.CompleteLength < 4_000);
        }
    }

    [Fact]
    public void FullDisk_ThrowsAtTheWriteAndKeepsWhatIsThere()
    {
        _run.Files.Space = 2_000;
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        _run.Speak(1, Start, Start + (10 * Second));
        Assert.Throws<IOException>(() => _run.RunTo(Start + (10 * Second)));
        Assert.True(new OggReader(_run.Files["01-audio-01.ogg"]).Samples > 0);
    }

    [Fact]
    public void TooManyTracks_AreRefused()
    {
        var run = new RecordingRun(new RecordingPartOptions { MaxFiles = 2 });
        for (var i = 0; i < 5; i++)
        {
            run.Part.AddSource(i, $"p{i}", PayloadFormat.Opus, 48_000, Start);
        }

        Assert.Equal((2, 3), (run.Part.Files.Count, run.Part.Refused));
    }

    private List<(long Spoken, long Written)> AssertWhole(long duration, out OggReader reader, long from = Start)
    {
        var name = _run.Part.Files[0].Name;
        Assert.True(_run.Files.Files[name].IsClosed);
        var bytes = _run.Files[name];
        Assert.Equal(bytes.Length, _run.Part.Files[0].Bytes);
        reader = new OggReader(bytes);
        reader.AssertGranules();
        Assert.True(reader.Ended);
        Assert.Equal(bytes.Length, reader.CompleteLength);
        Assert.InRange(reader.Samples - (duration * 48 / 1_000), -48, 48);
        return RecordingRun.Places(bytes, from);
    }
}
