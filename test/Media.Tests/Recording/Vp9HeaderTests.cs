using System.Buffers.Binary;
using System.Text;
using VoiceCluster.Media.Recording.Video;

namespace VoiceCluster.Media.Tests.Recording;

/// <summary>Headers of a real encoder's frames, read and rewritten, with ffmpeg as the judge.</summary>
public sealed class Vp9HeaderTests : IDisposable
{
    private static readonly string[] Resilient = ["-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-error-resilient", "1"];

    private readonly string _directory = Directory.CreateTempSubdirectory("vp9").FullName;

    public static TheoryData<string[]> Encodings =>
    [
        Resilient,
        ["-deadline", "realtime", "-cpu-used", "5", "-lag-in-frames", "0", "-aq-mode", "3", "-tile-columns", "2", "-b:v", "200k"],
        ["-deadline", "good", "-cpu-used", "4", "-lag-in-frames", "8", "-auto-alt-ref", "1", "-aq-mode", "1", "-tile-rows", "1"],
    ];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Headers_OfAnEncodersFrames_EndWhereTheirBytesAreFilledUp(string[] options)
    {
        var (_, frames) = Encode(options);
        var reader = new Vp9HeaderReader();
        var keys = 0;
        foreach (var frame in frames.SelectMany(Split))
        {
            Assert.True(reader.TryRead(frame, out var header));
            Assert.Equal((1_280, 720), (header.Width, header.Height));
            keys += header.IsKeyFrame ? 1 : 0;
            Assert.Equal(0, frame[(header.Bits - 1) >> 3] & ((1 << ((8 - (header.Bits & 7)) & 7)) - 1));
        }

        Assert.InRange(keys, 2, 4);
    }

    [Fact]
    public void Hidden_Frames_AreDecodedAndNotShown()
    {
        // In this mode no frame takes motion vectors from the one before it, so what is shown does not matter for what is decoded.
        var (ivf, frames) = Encode(Resilient);
        var reader = new Vp9HeaderReader();
        var hidden = 0;
        using var rewritten = new MemoryStream();
        rewritten.Write(ivf.AsSpan(0, 32));
        for (var i = 0; i < frames.Count; i++)
        {
            var frame = frames[i];
            Assert.True(reader.TryRead(frame, out var header));
            if (i % 3 != 2)
            {
                byte[] room = [.. frame, 0];
                var length = header.Hide(room, frame.Length);
                frame = room[..length];
                hidden++;
                Assert.True(new Vp9HeaderReader().TryRead(frame, out var again) || !header.IsKeyFrame);
                Assert.False(again.IsShown);
            }

            var head = new byte[12];
            BinaryPrimitives.WriteInt32LittleEndian(head, frame.Length);
            BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(4), i);
            rewritten.Write(head);
            rewritten.Write(frame);
        }

        var (whole, part) = (Pictures("whole.ivf", ivf), Pictures("part.ivf", rewritten.ToArray()));
        Assert.Equal(frames.Count, whole.Length);
        Assert.Equal(frames.Count - hidden, part.Length);
        Assert.Equal(whole.Where((_, i) => i % 3 == 2), part);
    }

    [Theory]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(31)]
    public void Hidden_Header_HasOneBitMore_AndAByteMoreWhereItWasFull(int bits)
    {
        // show_frame is the seventh bit, error_resilient_mode the eighth; then the new one comes.
        var header = string.Concat(Enumerable.Range(0, bits).Select(i => i == 6 || i % 3 == 0 ? '1' : '0'));
        byte[] frame = [.. Bytes(header), 0xAB, 0xCD, 0];
        var length = new Vp9FrameHeader(false, true, 6, bits, 0, 0).Hide(frame, frame.Length - 1);

        Assert.Equal((byte[])[.. Bytes($"{header[..6]}0{header[7]}0{header[8..]}"), 0xAB, 0xCD], frame[..length]);
        byte[] key = [.. Bytes(header), 0xAB, 0xCD];
        Assert.Equal(key.Length, new Vp9FrameHeader(true, true, 6, bits, 0, 0).Hide(key, key.Length));
        Assert.Equal((byte[])[.. Bytes($"{header[..6]}0{header[7..]}"), 0xAB, 0xCD], key);

        static byte[] Bytes(string digits) =>
            [.. digits.PadRight((digits.Length + 7) / 8 * 8, '0').Chunk(8).Select(d => Convert.ToByte(new string(d), 2))];
    }

    [Fact]
    public void Headers_OfAnyBytes_HarmNothing()
    {
        var frames = Encode(Resilient).Frames;
        var random = new Random(3);
        var reader = new Vp9HeaderReader();
        var read = 0;
        for (var i = 0; i < 100_000; i++)
        {
            var frame = frames[random.Next(frames.Count)].AsSpan(0, random.Next(1, 40)).ToArray();
            for (var flips = random.Next(6); flips > 0; flips--)
            {
                frame[random.Next(frame.Length)] ^= (byte)(1 << random.Next(8));
            }

            if (reader.TryRead(frame, out var header))
            {
                read++;
                Assert.InRange(header.Bits, 1, frame.Length * 8);
                if (header.IsShown)
                {
                    byte[] room = [.. frame, 0];
                    Assert.InRange(header.Hide(room, frame.Length), frame.Length, frame.Length + 1);
                }
            }
        }

        Assert.True(read > 1_000, $"{read} headers were read.");
    }

    private static (byte[] Ivf, List<byte[]> Frames) Encode(string[] options)
    {
        var (code, bytes, errors) = MediaTool.Run(
            "ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=1280x720:rate=30:duration=1.5", "-pix_fmt", "yuv420p", "-c:v", "libvpx-vp9", .. options, "-g", "20", "-f", "ivf", "-"]);
        Assert.True(code == 0, errors);
        var frames = new List<byte[]>();
        for (var at = 32; at < bytes.Length;)
        {
            var size = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));
            frames.Add(bytes[(at + 12)..(at + 12 + size)]);
            at += 12 + size;
        }

        return (bytes, frames);
    }

    // Annex B: a superframe ends with its index between two equal bytes.
    private static IEnumerable<byte[]> Split(byte[] frame)
    {
        var marker = frame[^1];
        var (count, width) = ((marker & 7) + 1, ((marker >> 3) & 3) + 1);
        var index = 2 + (count * width);
        if ((marker & 0xE0) != 0xC0 || frame.Length < index || frame[^index] != marker)
        {
            yield return frame;
            yield break;
        }

        for (int i = 0, at = 0; i < count; i++)
        {
            var size = 0;
            for (var b = 0; b < width; b++)
            {
                size |= frame[frame.Length - index + 1 + (i * width) + b] << (8 * b);
            }

            yield return frame[at..(at + size)];
            at += size;
        }
    }

    // A hash of each picture that is shown.
    private string[] Pictures(string name, byte[] ivf)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllBytes(path, ivf);
        var (_, output, errors) = MediaTool.Run("ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "framemd5", "-");
        Assert.True(errors.Length == 0, errors);
        return [.. Encoding.ASCII.GetString(output).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l[0] != '#').Select(l => l[(l.LastIndexOf(',') + 1)..].Trim())];
    }
}
