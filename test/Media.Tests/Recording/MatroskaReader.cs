using System.Buffers.Binary;
using System.Text;

namespace VoiceCluster.Media.Tests.Recording;

/// <summary>Reads a WebM or Matroska file as RFC 8794 and RFC 9559 say. A torn end is left out.</summary>
internal sealed class MatroskaReader
{
    private readonly byte[] _bytes;
    private long _segmentStart;
    private long _cluster;
    private long _cueTime;
    private uint _seekId;

    public MatroskaReader(byte[] bytes)
    {
        _bytes = bytes;
        Read(0, bytes.Length);
        foreach (var (time, position) in Cues)
        {
            var at = _segmentStart + position;
            Assert.Equal(0x1F43B675u, BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan((int)at)));
            Assert.Contains(ClusterPositions, c => c.Position == at && c.Time == time);
        }

        foreach (var (id, position) in Seeks)
        {
            Assert.Equal(id, BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan((int)(_segmentStart + position))));
        }
    }

    public sealed record Block(int Track, long Time, bool IsKey, byte[] Bytes, int End);

    public string DocType { get; private set; } = "";

    public double? Duration { get; private set; }

    public long? SegmentSize { get; private set; }

    public List<string> Codecs { get; } = [];

    public int Width { get; private set; }

    public int Height { get; private set; }

    public List<Block> Blocks { get; } = [];

    public List<(long Time, long Position)> Cues { get; } = [];

    public List<(uint Id, long Position)> Seeks { get; } = [];

    public List<(long Time, long Position)> ClusterPositions { get; } = [];

    public Block[] Picture => [.. Blocks.Where(b => b.Track == 1)];

    public Block[] Sound => [.. Blocks.Where(b => b.Track == 2)];

    private void Read(long offset, long end)
    {
        while (offset < end)
        {
            var start = offset;
            if (!TryNumber(ref offset, end, keepMarker: true, out var id, out _) || !TryNumber(ref offset, end, keepMarker: false, out var size, out var unknown))
            {
                return;
            }

            var last = unknown ? end : offset + size;
            var torn = last > end;
            switch (id)
            {
                case 0x18538067:
                    SegmentSize = unknown ? null : size;
                    _segmentStart = offset;
                    Read(offset, Math.Min(last, end));
                    break;
                case 0x1F43B675:
                    _cluster = start;
                    Read(offset, Math.Min(last, end));
                    break;
                case 0x1A45DFA3 or 0x1549A966 or 0x1654AE6B or 0xAE or 0xE0 or 0xE1 or 0x114D9B74 or 0x4DBB or 0x1C53BB6B or 0xBB or 0xB7:
                    Read(offset, Math.Min(last, end));
                    break;
                default:
                    if (!torn)
                    {
                        Leaf((uint)id, _bytes.AsSpan((int)offset, (int)size), (int)last);
                    }

                    break;
            }

            offset = last;
        }
    }

    private void Leaf(uint id, ReadOnlySpan<byte> value, int end)
    {
        switch (id)
        {
            case 0x4282:
                DocType = Encoding.ASCII.GetString(value);
                break;
            case 0x2AD7B1:
                Assert.Equal(1_000_000, Unsigned(value));
                break;
            case 0x4489:
                Duration = BinaryPrimitives.ReadDoubleBigEndian(value);
                break;
            case 0x86:
                Codecs.Add(Encoding.ASCII.GetString(value));
                break;
            case 0xB0:
                Width = (int)Unsigned(value);
                break;
            case 0xBA:
                Height = (int)Unsigned(value);
                break;
            case 0xE7:
                ClusterPositions.Add((Unsigned(value), _cluster));
                break;
            case 0xA3:
                var time = ClusterPositions[^1].Time + BinaryPrimitives.ReadInt16BigEndian(value[1..]);
                Blocks.Add(new Block(value[0] & 0x7F, time, (value[3] & 0x80) != 0, value[4..].ToArray(), end));
                break;
            case 0xB3:
                _cueTime = Unsigned(value);
                break;
            case 0xF1:
                Cues.Add((_cueTime, Unsigned(value)));
                break;
            case 0x53AB:
                _seekId = (uint)Unsigned(value);
                break;
            case 0x53AC:
                Seeks.Add((_seekId, Unsigned(value)));
                break;
            default:
                break;
        }
    }

    private static long Unsigned(ReadOnlySpan<byte> value)
    {
        var number = 0L;
        foreach (var one in value)
        {
            number = (number << 8) | one;
        }

        return number;
    }

    private bool TryNumber(ref long offset, long end, bool keepMarker, out long value, out bool unknown)
    {
        (value, unknown) = (0, false);
        if (offset >= end)
        {
            return false;
        }

        var first = _bytes[offset];
        Assert.NotEqual(0, first);
        var length = System.Numerics.BitOperations.LeadingZeroCount((uint)first) - 23;
        if (offset + length > end)
        {
            return false;
        }

        value = keepMarker ? first : first & ((0x80 >> (length - 1)) - 1);
        for (var i = 1; i < length; i++)
        {
            value = (value << 8) | _bytes[offset + i];
        }

        unknown = !keepMarker && value == (1L << (7 * length)) - 1;
        offset += length;
        return true;
    }
}
