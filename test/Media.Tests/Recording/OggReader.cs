using System.Buffers.Binary;
using System.Text;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Tests.Recording;

/// <summary>Reads an Ogg Opus file as RFC 3533 and RFC 7845 say, with a checksum of its own making. A torn end is left out.</summary>
internal sealed class OggReader
{
    public OggReader(byte[] bytes)
    {
        var packet = new List<byte>();
        var offset = 0;
        while (bytes.Length - offset >= 27)
        {
            var page = bytes.AsSpan(offset);
            Assert.True(page.StartsWith("OggS"u8), $"no page at {offset}");
            Assert.Equal(0, page[4]);
            int segments = page[26];
            if (page.Length < 27 + segments)
            {
                break;
            }

            var body = 0;
            for (var i = 0; i < segments; i++)
            {
                body += page[27 + i];
            }

            var length = 27 + segments + body;
            if (page.Length < length)
            {
                break;
            }

            var copy = page[..length].ToArray();
            copy.AsSpan(22, 4).Clear();
            Assert.Equal(Checksum(copy), BinaryPrimitives.ReadUInt32LittleEndian(page[22..]));
            Assert.Equal(Pages.Count, (int)BinaryPrimitives.ReadUInt32LittleEndian(page[18..]));
            Assert.Equal(Pages.Count == 0, (page[5] & 2) != 0);
            Assert.False(Ended, "a page after the last one");
            Ended = (page[5] & 4) != 0;
            var granule = BinaryPrimitives.ReadInt64LittleEndian(page[6..]);
            var at = 27 + segments;
            for (var i = 0; i < segments; i++)
            {
                packet.AddRange(page.Slice(at, page[27 + i]));
                at += page[27 + i];
                if (page[27 + i] < 255)
                {
                    Packets.Add([.. packet]);
                    packet.Clear();
                }
            }

            offset += length;
            Pages.Add((granule, offset, Packets.Count));
        }

        CompleteLength = offset;
        if (Packets.Count > 0)
        {
            Assert.Equal("OpusHead", Encoding.ASCII.GetString(Packets[0], 0, 8));
            PreSkip = BinaryPrimitives.ReadUInt16LittleEndian(Packets[0].AsSpan(10));
        }

        if (Packets.Count > 1)
        {
            Assert.Equal("OpusTags", Encoding.ASCII.GetString(Packets[1], 0, 8));
        }
    }

    /// <summary>Granule, end offset, and packets so far, by page.</summary>
    public List<(long Granule, int End, int Packets)> Pages { get; } = [];

    public List<byte[]> Packets { get; } = [];

    public int PreSkip { get; }

    public bool Ended { get; private set; }

    public int CompleteLength { get; }

    /// <summary>Sound packets.</summary>
    public IEnumerable<byte[]> Sound => Packets.Skip(2);

    /// <summary>Samples, as the last page says.</summary>
    public long Samples => Pages.Count == 0 ? 0 : Math.Max(0, Pages[^1].Granule - PreSkip);

    /// <summary>Each page's granule position must be the end of its last packet, but that of the last page may be less.</summary>
    public void AssertGranules()
    {
        var samples = 0L;
        var next = 2;
        for (var i = 0; i < Pages.Count; i++)
        {
            var begin = samples;
            for (; next < Pages[i].Packets; next++)
            {
                Assert.True(Opus.TryGetSamples(Packets[next], out var count));
                samples += count;
            }

            if (i == Pages.Count - 1 && Ended)
            {
                Assert.InRange(Pages[i].Granule, begin, samples);
            }
            else
            {
                Assert.Equal(samples, Pages[i].Granule);
            }

            Assert.True(samples - begin <= 48_000, "a page of more than a second");
        }
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = 0u;
        foreach (var one in bytes)
        {
            crc ^= (uint)one << 24;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 0x8000_0000) != 0 ? (crc << 1) ^ 0x04C1_1DB7 : crc << 1;
            }
        }

        return crc;
    }
}
