using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Recording.Video;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Fuzzing;

namespace VoiceCluster.Media.Tests.Recording;

/// <summary>Depacketisers, whole parts and the repair of files get broken input; nothing throws, and what is written is well-formed.</summary>
public sealed class RecordingFuzzTests
{
    private static readonly byte[] KeyVp8 = [0x90, 0xE0, 0x80, 0x64, 5, 0x40, 0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01, 1, 2, 3];
    private static readonly byte[] KeyVp9 = [0x8E, 0x81, 0x02, 0x18, 1, 0x40, 0, 0xB4, 1, 0x14, 1, 0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xF0, 0x0B, 0x30, 1, 2];
    private static readonly byte[] KeyH264 =
    [
        24, 0, 14, 0x67, 0x42, 0xC0, 0x1F, 0xDA, 0x01, 0x40, 0x16, 0xE8, 0x06, 0xD0, 0xA1, 0x35, 0, 4, 0x68, 0xCE, 0x06, 0xE2, 0, 5, 0x65, 0x88, 1, 2, 3,
    ];

    [Theory]
    [InlineData(PayloadFormat.Vp8)]
    [InlineData(PayloadFormat.Vp9)]
    [InlineData(PayloadFormat.H264)]
    public void Fuzz_Depacketisers(PayloadFormat format)
    {
        byte[][] seeds =
        [
            [1, 1, 0, .. KeyVp8], [2, 0, 0, 0x10, 0x01, 5, 6, 7], [1, 1, 0, .. KeyVp9], [0, 0, 0, 0xC8, 0x81, 0x03, 1, 2, 3], [0, 1, 0, 0xD4, 0x05, 1, 0, 1, 2],
            [1, 1, 0, .. KeyH264], [1, 0, 0, 0x7C, 0x85, 1, 2, 3], [1, 1, 0, 0x7C, 0x45, 4, 5], [0, 1, 1, 0x41, 1, 2, 3],
        ];
        var sink = new FrameCounter();
        var assembler = FrameAssembler.Of(format, sink)!;
        var time = 0u;
        Fuzz.Run(seeds, input =>
        {
            if (input.Length < 3)
            {
                return;
            }

            time += (uint)(input[0] & 1) * 3_000;
            assembler.OnPacket(time, (input[1] & 1) != 0, input[3..], input[2] & 1, time);
        });
        Assert.True(sink.Frames > 0);
    }

    [Fact]
    public void Fuzz_Parts_FilesStayWellFormed()
    {
        var files = new MemoryFiles();
        var part = new RecordingPart(new RecordingPartOptions(), files, 0);
        part.AddSource(1, "a", PayloadFormat.Vp8, 90_000, 0);
        part.AddSource(2, "a", PayloadFormat.Opus, 48_000, 0);
        part.AddSource(3, "a", PayloadFormat.Vp9, 90_000, 0);
        part.AddSource(4, "b", PayloadFormat.H264, 90_000, 0);
        byte[][] seeds =
        [
            [1, 0, 1, 0, 0, 0, 1, 1, .. KeyVp8], [2, 0, 1, 0, 0, 1, 0, 0, 0x78, 1, 2, 3], [3, 0, 1, 0, 0, 0, 1, 1, .. KeyVp9], [4, 0, 1, 0, 0, 0, 1, 1, .. KeyH264],
        ];
        var (now, number) = (0L, (ushort)0);
        var wanted = new List<int>();
        Fuzz.Run(seeds, input =>
        {
            if (input.Length < 8)
            {
                return;
            }

            now += input[7] * 100;
            number += (ushort)(input[1] == 0 ? 1 : input[1] * 37);
            var timestamp = (uint)(now * 9 / 100) + (uint)((input[3] << 24) | (input[4] << 12));
            part.Push(input[0], number, timestamp, (input[6] & 1) != 0, input[8..], now);
            if (input[5] == 7)
            {
                part.Report(input[0], timestamp, now - (input[4] * 10_000L));
            }

            part.Advance(now, wanted);
        });
        part.Finish(now + 1_000_000);
        Assert.True(files.Files.Count >= 4);
        foreach (var (name, file) in files.Files)
        {
            if (name.EndsWith(".ogg", StringComparison.Ordinal))
            {
                new OggReader(file.Bytes).AssertGranules();
            }
            else
            {
                Assert.NotNull(new MatroskaReader(file.Bytes).Duration);
            }
        }
    }

    [Fact]
    public void Fuzz_Repair()
    {
        var run = new RecordingRun();
        run.Part.AddSource(2, "alice", PayloadFormat.Opus, 48_000, RecordingRun.Start);
        run.Part.AddSource(1, "alice", PayloadFormat.Vp8, 90_000, RecordingRun.Start);
        run.Speak(2, RecordingRun.Start, RecordingRun.Start + 300_000);
        run.At(RecordingRun.Start + 10_000, () => run.Part.Push(1, 1, 0, true, KeyVp8, run.Now));
        run.Finish(RecordingRun.Start + 400_000);
        byte[][] seeds = [.. run.Files.Files.Values.Select(f => f.Bytes)];
        Assert.Equal(2, seeds.Length);
        Fuzz.Run(seeds, input =>
        {
            using var stream = new MemoryStream();
            stream.Write(input);
            TornFile.RepairOgg(stream);
            using var other = new MemoryStream();
            other.Write(input);
            TornFile.RepairMatroska(other);
        });
    }

    private sealed class FrameCounter : IFrameSink
    {
        public int Frames { get; private set; }

        public void OnFrame(ReadOnlySpan<byte> frame, uint timestamp, bool isKeyFrame, int width, int height, ReadOnlySpan<byte> configuration, long now)
        {
            Assert.False(frame.IsEmpty);
            Assert.Equal(isKeyFrame, width > 0 && height > 0);
            Frames++;
        }
    }
}
