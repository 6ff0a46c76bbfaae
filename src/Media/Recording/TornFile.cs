using System.Buffers.Binary;
using VoiceCluster.Media.Recording.Matroska;
using VoiceCluster.Media.Recording.Ogg;

namespace VoiceCluster.Media.Recording;

/// <summary>
/// Repairs files whose writer ended without closing them: cuts off what is torn and fills in what is written at the end.
/// Answers how many microseconds they play.
/// </summary>
public static class TornFile
{
    /// <summary>Makes the last whole page of an Ogg stream its end.</summary>
    public static long RepairOgg(Stream stream)
    {
        var buffer = new byte[OggPage.MaxLength];
        long position = 0, last = -1;
        OggPage page = default;
        while (true)
        {
            var read = ReadAt(stream, position, buffer);
            if (!OggPage.TryRead(buffer.AsSpan(0, read), out var next))
            {
                break;
            }

            (page, last) = (next, position);
            position += next.Length;
        }

        stream.SetLength(position);
        if (last < 0)
        {
            return 0;
        }

        if ((page.Flags & OggPage.End) == 0)
        {
            ReadAt(stream, last, buffer);
            buffer[5] |= OggPage.End;
            OggPage.Seal(buffer.AsSpan(0, page.Length));
            stream.Position = last;
            stream.Write(buffer, 0, page.Length);
        }

        return Math.Max(0, page.Granule - OggOpusWriter.PreSkip) * 1_000 / 48;
    }

    /// <summary>Ends a Matroska file behind its last whole cluster, and gives it its duration and size.</summary>
    public static long RepairMatroska(Stream stream)
    {
        var buffer = new byte[4_096];
        var head = buffer.AsSpan(0, ReadAt(stream, 0, buffer));
        var segment = head.IndexOf((ReadOnlySpan<byte>)[0x18, 0x53, 0x80, 0x67]);
        if (segment < 0 || head.Length < segment + 12)
        {
            return 0;
        }

        // The writer gives the segment's size and each cluster's a fixed number of bytes.
        var start = segment + 12;
        var void11 = head.IndexOf((ReadOnlySpan<byte>)[0xEC, 0x89]);
        long position = -1, duration = 0;
        for (var at = start; at + 12 < head.Length;)
        {
            if (!TryReadHead(head[at..], out var id, out var headLength, out var size))
            {
                break;
            }

            if (id == MatroskaId.Cluster)
            {
                position = at;
                break;
            }

            at += headLength + (int)Math.Min(size, head.Length);
            position = at;
        }

        if (position < 0)
        {
            return 0;
        }

        var clusterHead = new byte[12];
        while (ReadAt(stream, position, clusterHead) == clusterHead.Length && TryReadHead(clusterHead, out var id, out var length, out var size) && id == MatroskaId.Cluster)
        {
            if (position + length + size > stream.Length)
            {
                break;
            }

            var cluster = new byte[size];
            ReadAt(stream, position + length, cluster);
            duration = Math.Max(duration, EndOf(cluster));
            position += length + size;
        }

        stream.SetLength(position);
        if (void11 >= 0)
        {
            var element = new EbmlBuffer();
            element.Float(MatroskaId.Duration, duration);
            stream.Position = void11;
            stream.Write(element.Written);
        }

        BinaryPrimitives.WriteInt64BigEndian(clusterHead, (position - start) | 0x0100_0000_0000_0000);
        stream.Position = segment + 4;
        stream.Write(clusterHead, 0, 8);
        return duration * 1_000;
    }

    // Milliseconds at which the cluster's last block ends; sound has 20 ms.
    private static long EndOf(ReadOnlySpan<byte> cluster)
    {
        var (time, end) = (0L, 0L);
        while (TryReadHead(cluster, out var id, out var length, out var size) && length + size <= cluster.Length)
        {
            var value = cluster.Slice(length, (int)size);
            if (id == MatroskaId.Timestamp)
            {
                foreach (var one in value)
                {
                    time = (time << 8) | one;
                }
            }
            else if (id == MatroskaId.SimpleBlock && value.Length > 4)
            {
                end = Math.Max(end, time + BinaryPrimitives.ReadInt16BigEndian(value[1..]) + 20);
            }

            cluster = cluster[(length + (int)size)..];
        }

        return end;
    }

    private static bool TryReadHead(ReadOnlySpan<byte> bytes, out uint id, out int length, out long size)
    {
        (id, length, size) = (0, 0, 0);
        if (bytes.IsEmpty || bytes[0] < 0x10)
        {
            return false;
        }

        var idLength = System.Numerics.BitOperations.LeadingZeroCount((uint)bytes[0]) - 23;
        if (bytes.Length <= idLength || bytes[idLength] == 0)
        {
            return false;
        }

        for (var i = 0; i < idLength; i++)
        {
            id = (id << 8) | bytes[i];
        }

        var sizeLength = System.Numerics.BitOperations.LeadingZeroCount((uint)bytes[idLength]) - 23;
        length = idLength + sizeLength;
        if (bytes.Length < length)
        {
            return false;
        }

        size = bytes[idLength] & ((0x80 >> (sizeLength - 1)) - 1);
        for (var i = 1; i < sizeLength; i++)
        {
            size = (size << 8) | bytes[idLength + i];
        }

        return size >= 0 && size <= int.MaxValue;
    }

    private static int ReadAt(Stream stream, long position, byte[] buffer)
    {
        stream.Position = position;
        return stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
    }
}
