using System.Buffers.Binary;
using Concentus;
using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Tests.Recording;

/// <summary>Real codecs' streams through RTP into files, read by ffprobe, ffmpeg and opusinfo.</summary>
public sealed class RecordedFilesTests : IDisposable
{
    private const long Start = RecordingRun.Start;
    private const long Second = 1_000_000;

    private readonly string _directory = Directory.CreateTempSubdirectory("recording").FullName;
    private readonly RecordingRun _run = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Sound_WithLossMuteAndRejoin_IsReadWithoutAWarning()
    {
        var random = new Random(1);
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        Tone(1, Start, Start + (5 * Second), _ => random.NextDouble() < 0.05);
        Tone(1, Start + (8 * Second), Start + (10 * Second), _ => false, firstSequence: 251);
        _run.At(Start + (11 * Second), () => _run.Part.RemoveSource(1, _run.Now));
        _run.At(Start + (12 * Second), () => _run.Part.AddSource(2, "alice", PayloadFormat.Opus, 48_000, _run.Now));
        Tone(2, Start + (12 * Second) + 500_000, Start + (14 * Second), _ => false);
        _run.Finish(Start + (15 * Second) + 13_000);
        Assert.InRange(MediaTool.AssertClean(Save("01-audio-01.ogg")), 14.99, 15.05);
    }

    [Theory]
    [InlineData("libvpx", "ivf", PayloadFormat.Vp8, "01-video-01.webm")]
    [InlineData("libvpx-vp9", "ivf", PayloadFormat.Vp9, "01-video-01.webm")]
    [InlineData("libx264", "h264", PayloadFormat.H264, "01-video-01.mkv")]
    public void Picture_OfEachCodec_IsReadWithoutAWarning_FrameByFrame(string encoder, string format, PayloadFormat payload, string file)
    {
        var frames = Encode(encoder, format);
        Assert.Equal(90, frames.Count);
        _run.Part.AddSource(1, "alice", payload, 90_000, Start);
        _run.Part.AddSource(2, "alice", PayloadFormat.Opus, 48_000, Start);
        Send(frames, payload, Start);
        Tone(2, Start, Start + (3 * Second), _ => false);
        _run.Finish(Start + (3 * Second));

        var path = Save(file);
        Assert.InRange(MediaTool.AssertClean(path), 2.94, 3.02);
        Assert.Equal(90, CountFrames(path));

        // What a kill leaves: cut within the last cluster, then repaired.
        foreach (var share in (double[])[0.5, 0.8, 0.97])
        {
            var torn = Path.Combine(_directory, $"torn-{share}{Path.GetExtension(file)}");
            File.WriteAllBytes(torn, _run.Files[file][..(int)(_run.Files[file].Length * share)]);
            Assert.InRange(CountFrames(torn), 20, 90);
            using (var stream = File.Open(torn, FileMode.Open))
            {
                Assert.True(TornFile.RepairMatroska(stream) > Second);
            }

            Assert.True(MediaTool.AssertClean(torn) > 1);
        }
    }

    [Fact]
    public void TornSound_Repaired_IsReadWithoutAWarning()
    {
        _run.Part.AddSource(1, "alice", PayloadFormat.Opus, 48_000, Start);
        Tone(1, Start, Start + (5 * Second), _ => false);
        _run.RunTo(Start + (5 * Second));
        var path = Path.Combine(_directory, "torn.ogg");
        File.WriteAllBytes(path, _run.Files["01-audio-01.ogg"][..^100]);
        Assert.Equal(0, MediaTool.Run("ffmpeg", "-v", "error", "-i", path, "-f", "null", "-").Code);
        using (var stream = File.Open(path, FileMode.Open))
        {
            TornFile.RepairOgg(stream);
        }

        Assert.InRange(MediaTool.AssertClean(path), 4.0, 4.9);
    }

    private static int CountFrames(string path)
    {
        var output = MediaTool.Run("ffprobe", "-v", "error", "-select_streams", "v", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path).Output;
        return int.Parse(System.Text.Encoding.ASCII.GetString(output).Trim().TrimEnd(','), System.Globalization.CultureInfo.InvariantCulture);
    }

    private string Save(string name)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllBytes(path, _run.Files[name]);
        return path;
    }

    private void Tone(int source, long from, long to, Func<int, bool> lose, ushort firstSequence = 0)
    {
        using var encoder = OpusCodecFactory.CreateEncoder(48_000, 1);
        var (frame, buffer) = (new float[960], new byte[1_500]);
        for (var i = 0; from + (20_000L * i) < to; i++)
        {
            for (var s = 0; s < 960; s++)
            {
                frame[s] = (float)(0.3 * Math.Sin(2 * Math.PI * 440 * ((i * 960) + s) / 48_000));
            }

            var packet = buffer[..encoder.Encode(frame, 960, buffer, buffer.Length)];
            if (!lose(i))
            {
                var (number, at) = ((ushort)(firstSequence + i), from + (20_000L * i));
                _run.At(at + 22_000, () => _run.Part.Push(source, number, (uint)((at - Start) * 48 / 1_000), false, packet, _run.Now));
            }
        }
    }

    // Three seconds of a test picture, 30 frames a second.
    private static List<byte[]> Encode(string encoder, string format)
    {
        string[] options = encoder == "libx264" ? ["-profile:v", "high", "-preset", "ultrafast", "-tune", "zerolatency"] : ["-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0"];
        var (code, bytes, errors) = MediaTool.Run(
            "ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=30:duration=3", "-pix_fmt", "yuv420p", "-c:v", encoder, .. options, "-g", "30", "-f", format, "-"]);
        Assert.True(code == 0, errors);
        return format == "ivf" ? [.. Ivf(bytes)] : [.. AccessUnits(bytes)];
    }

    private static IEnumerable<byte[]> Ivf(byte[] bytes)
    {
        for (var at = 32; at < bytes.Length;)
        {
            var size = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));
            yield return bytes[(at + 12)..(at + 12 + size)];
            at += 12 + size;
        }
    }

    // Units with their lengths as one list a picture: the parameter sets go with the slice behind them.
    private static IEnumerable<byte[]> AccessUnits(byte[] bytes)
    {
        var unit = new List<byte[]>();
        var starts = new List<int>();
        for (var i = 0; i + 3 < bytes.Length; i++)
        {
            if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1)
            {
                starts.Add(i + 3);
            }
        }

        for (var i = 0; i < starts.Count; i++)
        {
            var end = i + 1 < starts.Count ? starts[i + 1] - 3 : bytes.Length;
            while (end > starts[i] && bytes[end - 1] == 0)
            {
                end--;
            }

            unit.Add(bytes[starts[i]..end]);
            if ((bytes[starts[i]] & 0x1F) is 1 or 5 && (i + 1 == starts.Count || (bytes[starts[i + 1]] & 0x1F) is not 1 and not 5 || (bytes[starts[i + 1] + 1] & 0x80) != 0))
            {
                yield return [.. unit.SelectMany(u => (byte[])[.. BitConverter.GetBytes(u.Length), .. u])];
                unit.Clear();
            }
        }
    }

    private void Send(List<byte[]> frames, PayloadFormat format, long from)
    {
        ushort sequence = 65_000;
        for (var i = 0; i < frames.Count; i++)
        {
            var at = from + (i * Second / 30);
            var packets = RtpPayloads.Of(format, frames[i]);
            for (var p = 0; p < packets.Count; p++)
            {
                var (number, payload, last) = (sequence++, packets[p], p == packets.Count - 1);
                _run.At(at + 1_000 + p, () => _run.Part.Push(1, number, (uint)((at - from) * 9 / 100), last, payload, _run.Now));
            }
        }
    }
}
