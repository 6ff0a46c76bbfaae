using System.Buffers.Binary;

namespace VoiceCluster.Media.Recording.Ogg;

/// <summary>What an Ogg page's header says (RFC 3533 §6).</summary>
/// <param name="Granule">End position of the last packet that the page completes.</param>
/// <param name="Length">Bytes of the whole page.</param>
internal readonly record struct OggPage(byte Flags, long Granule, uint Serial, uint Sequence, int HeaderLength, int Length)
{
    /// <summary>Bytes of the header before the segment table.</summary>
    public const int FixedLength = 27;

    /// <summary>Bytes of the longest page.</summary>
    public const int MaxLength = FixedLength + 255 + (255 * 255);

    /// <summary>The first page of a stream.</summary>
    public const byte Begin = 0x02;

    /// <summary>The last page of a stream.</summary>
    public const byte End = 0x04;

    /// <summary>Where the checksum stands.</summary>
    public const int CrcOffset = 22;

    /// <summary>Reads the page that the bytes begin with; false when it is none, torn or damaged.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out OggPage page)
    {
        page = default;
        if (bytes.Length < FixedLength || !bytes.StartsWith("OggS"u8) || bytes[4] != 0)
        {
            return false;
        }

        var header = FixedLength + bytes[26];
        if (bytes.Length < header)
        {
            return false;
        }

        var length = header;
        foreach (var lace in bytes[FixedLength..header])
        {
            length += lace;
        }

        if (bytes.Length < length)
        {
            return false;
        }

        var crc = OggCrc.Update(0, bytes[..CrcOffset]);
        crc = OggCrc.Update(crc, [0, 0, 0, 0]);
        crc = OggCrc.Update(crc, bytes[(CrcOffset + 4)..length]);
        if (crc != BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcOffset..]))
        {
            return false;
        }

        page = new OggPage(
            bytes[5],
            BinaryPrimitives.ReadInt64LittleEndian(bytes[6..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[14..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[18..]),
            header,
            length);
        return true;
    }

    /// <summary>Sets the checksum of a page that is complete otherwise.</summary>
    public static void Seal(Span<byte> page)
    {
        page.Slice(CrcOffset, 4).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(page[CrcOffset..], OggCrc.Update(0, page));
    }
}
