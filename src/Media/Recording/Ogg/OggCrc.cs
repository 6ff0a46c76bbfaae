namespace VoiceCluster.Media.Recording.Ogg;

/// <summary>The checksum of an Ogg page (RFC 3533 §6, field 7): polynomial 0x04c11db7, no reflection, initial value and final XOR 0.</summary>
internal static class OggCrc
{
    private static readonly uint[] Table = MakeTable();

    /// <summary>Goes on from <paramref name="crc"/>, 0 at the start.</summary>
    public static uint Update(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (var one in bytes)
        {
            crc = (crc << 8) ^ Table[(byte)(crc >> 24) ^ one];
        }

        return crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var value = i << 24;
            for (var bit = 0; bit < 8; bit++)
            {
                value = (value & 0x8000_0000) != 0 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
            }

            table[i] = value;
        }

        return table;
    }
}
