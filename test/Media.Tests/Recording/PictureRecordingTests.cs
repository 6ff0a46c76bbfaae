using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Tests.Recording;

public sealed class PictureRecordingTests
{
    private const long Start = RecordingRun.Start;
    private const long Second = 1_000_000;
    private const string File = "01-video-01.webm";

    private readonly RecordingRun _run = new();
    private ushort _sequence = 65_500;

    [Fact]
    public void Picture_WithSound_IsOneWebMWithBothInTheOrderOfTime()
    {
        Both();
        Film(Start, Start + (5 * Second));
        _run.Speak(2, Start, Start + (5 * Second));
        _run.Finish(Start + (5 * Second) + 8_000);

        var film = Read();
        Assert.Equal(("webm", 640, 360), (film.DocType, film.Width, film.Height));
        Assert.Equal(["V_VP8", "A_OPUS"], film.Codecs);
        Assert.Equal(150, film.Picture.Length);
        Assert.InRange(film.Duration!.Value, 4_960, 5_010);
        Assert.NotNull(film.SegmentSize);
        Assert.Equal(film.Blocks.OrderBy(b => b.Time).Select(b => b.Time), film.Blocks.Select(b => b.Time));

        // Ticks of 33.3 ms in whole milliseconds, and a place to seek to each second.
        Assert.All(film.Picture.Zip(film.Picture.Skip(1)), p => Assert.InRange(p.Second.Time - p.First.Time, 33, 34));
        Assert.Equal(5, film.Cues.Count);
        Assert.Equal(3, film.Seeks.Count);

        // Sound without a gap, to the end.
        Assert.All(film.Sound.Zip(film.Sound.Skip(1)), p => Assert.InRange(p.Second.Time - p.First.Time, 2, 21));
        Assert.InRange(film.Sound[^1].Time, 4_940, 5_010);
    }

    [Fact]
    public void PictureAlone_HasSilenceBesideIt()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Vp8, 90_000, Start);
        Film(Start, Start + (2 * Second));
        _run.Finish(Start + (2 * Second));
        var film = Read();
        Assert.Equal(60, film.Picture.Length);
        Assert.InRange(film.Sound.Length, 97, 101);
    }

    [Fact]
    public void StartWithinTheStream_WaitsForAKeyFrame_WhichItAsksForEachSecond()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Vp8, 90_000, Start);
        Film(Start, Start + (3 * Second), keyEvery: 1_000, firstIsKey: false);
        Film(Start + (3 * Second), Start + (4 * Second));
        _run.RunTo(Start + (2_900_000));
        Assert.InRange(_run.KeyFramesWanted.Count, 3, 4);
        Assert.DoesNotContain(File, _run.Files.Files.Keys);
        _run.Finish(Start + (4 * Second));

        Assert.Equal(30, Read().Picture.Length);
        Assert.InRange(_run.Part.Files.Single(f => f.Content == RecordedContent.Picture).StartedAt - Start, 3 * Second, (3 * Second) + 40_000);
    }

    [Fact]
    public void LostPacket_CostsFramesUpToTheNextKeyFrame_AndNoTime()
    {
        Both();
        Film(Start, Start + (6 * Second), keyEvery: 60, lose: i => i is 70 or 200);
        _run.Speak(2, Start, Start + (6 * Second));
        _run.Finish(Start + (6 * Second));

        var film = Read();

        // Frames 35 (packets 70, 71) to 59 and 100 to 119 stand on what was lost.
        Assert.Equal(180 - 25 - 20, film.Picture.Length);
        Assert.All(film.Picture, p => Assert.InRange(p.Time - FrameTime(p), -40, 40));
        Assert.NotEmpty(_run.KeyFramesWanted);
    }

    [Fact]
    public void LateAndReorderedPackets_AreStillFrames()
    {
        var random = new Random(5);
        Both();
        Film(Start, Start + (5 * Second), delay: i => i < 2 ? 0 : i % 50 == 7 ? 300_000 : random.Next(30_000));
        _run.Finish(Start + (6 * Second));
        Assert.Equal(150, Read().Picture.Length);
    }

    [Fact]
    public void Report_PlacesThePicture_AgainstASlowCamera()
    {
        Both();

        // Each frame takes 150 ms to come; the reports tell when it was taken.
        Film(Start, Start + (5 * Second), delay: _ => 150_000, reportEvery: 500_000);
        _run.Finish(Start + (5 * Second));
        var film = Read();
        var startedAt = _run.Part.Files.Single(f => f.Content == RecordedContent.Picture).StartedAt;
        foreach (var block in film.Picture.Where(p => FrameTime(p) > 1_000))
        {
            var taken = Start + (FrameTime(block) * 1_000);
            Assert.InRange(startedAt + (block.Time * 1_000) - taken, -45_000, 45_000);
        }
    }

    [Fact]
    public void CameraThatComesBack_HasANewFile()
    {
        Both();
        Film(Start, Start + Second);
        _run.At(Start + Second + 50_000, () => _run.Part.RemoveSource(1, _run.Now));
        _run.At(Start + (3 * Second), () => _run.Part.AddSource(3, "alice", PayloadFormat.Vp8, 90_000, _run.Now));
        Film(Start + (3 * Second), Start + (4 * Second), source: 3);
        _run.Finish(Start + (4 * Second));

        Assert.Equal(["01-audio-01.ogg", File, "01-video-02.webm"], _run.Files.Files.Keys.Order());
        Assert.InRange(Read().Duration!.Value, 1_000, 1_060);
        Assert.InRange(Read("01-video-02.webm").Duration!.Value, 960, 1_000);
    }

    [Fact]
    public void FileCutAnywhere_ReadsUpToItsLastSecond_AndCanBeRepaired()
    {
        Both();
        Film(Start, Start + (6 * Second));
        _run.Speak(2, Start, Start + (6 * Second));
        for (var at = Start + Second; at <= Start + (6 * Second); at += 250_000)
        {
            _run.RunTo(at);
            var so = new MatroskaReader(_run.Files[File]);
            Assert.Null(so.SegmentSize);
            Assert.True(so.Blocks.Max(b => b.Time) >= ((at - Start) / 1_000) - 1_000);
        }

        var whole = _run.Files[File];
        for (var length = 0; length < whole.Length; length += 509)
        {
            var cut = new MatroskaReader(whole[..length]);
            Assert.True(cut.Blocks.Count == 0 || cut.Blocks[^1].End <= length);
            using var stream = new MemoryStream();
            stream.Write(whole, 0, length);
            var duration = TornFile.RepairMatroska(stream);
            var repaired = new MatroskaReader(stream.ToArray());
            if (repaired.Blocks.Count > 0)
            {
                Assert.Equal(duration / 1_000d, repaired.Duration);
                Assert.NotNull(repaired.SegmentSize);
                Assert.InRange(duration / 1_000, repaired.Blocks.Max(b => b.Time), repaired.Blocks.Max(b => b.Time) + 20);
                Assert.True(cut.Blocks.Max(b => b.Time) - repaired.Blocks.Max(b => b.Time) < 1_000);
            }
        }
    }

    [Fact]
    public void OggCutAnywhere_RepairedEndsWithALastPage()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        _run.Speak(1, Start, Start + (4 * Second));
        _run.RunTo(Start + (4 * Second));
        var whole = _run.Files["01-audio-01.ogg"];
        for (var length = 0; length < whole.Length; length += 61)
        {
            using var stream = new MemoryStream();
            stream.Write(whole, 0, length);
            var duration = TornFile.RepairOgg(stream);
            var repaired = new OggReader(stream.ToArray());
            Assert.Equal(repaired.Samples * 1_000 / 48, duration);
            Assert.Equal(repaired.Pages.Count > 0, repaired.Ended);
            repaired.AssertGranules();
        }
    }

    private static long FrameTime(MatroskaReader.Block block) => System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(block.Bytes.AsSpan(^4));

    private void Both()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Vp8, 90_000, Start);
        _run.Part.AddSource(2, "alice", PayloadFormat.Opus, 48_000, Start);
    }

    private MatroskaReader Read(string name = File)
    {
        Assert.True(_run.Files.Files[name].IsClosed);
        return new MatroskaReader(_run.Files[name]);
    }

    // Thirty frames a second of two packets each. A frame's last four bytes tell its millisecond.
    private void Film(
        long from, long to, int keyEvery = 30, bool firstIsKey = true, Func<int, bool>? lose = null, Func<int, long>? delay = null, long reportEvery = 0, int source = 1)
    {
        for (var i = 0; from + (i * Second / 30) < to; i++)
        {
            var taken = from + (i * Second / 30);
            var timestamp = (uint)(777 + ((taken - from) * 9 / 100));
            var key = i % keyEvery == 0 && (i > 0 || firstIsKey);
            byte[] head = key ? [0x10, 0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01, 1] : [0x10, 0x11, 0, 0, 5, 5];
            byte[] tail = [0x00, 7, 7, .. BitConverter.GetBytes((int)((taken - Start) / 1_000))];
            Send(2 * i, head, false);
            Send((2 * i) + 1, tail, true);
            if (reportEvery > 0 && i * Second / 30 / reportEvery != (i - 1) * Second / 30 / reportEvery)
            {
                _run.At(taken + (delay?.Invoke(i) ?? 0) + 1_000, () => _run.Part.Report(source, timestamp, taken));
            }

            void Send(int packet, byte[] payload, bool marker)
            {
                var number = _sequence++;
                if (lose?.Invoke(packet) != true)
                {
                    _run.At(taken + (delay?.Invoke(packet) ?? 0), () => _run.Part.Push(source, number, timestamp, marker, payload, _run.Now));
                }
            }
        }
    }
}
