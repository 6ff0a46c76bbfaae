using System.Buffers.Binary;

namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>The counters of pictures in a payload's descriptor: VP8's (RFC 7741 §4.2) and VP9's (RFC 9628 §4.2).</summary>
public readonly struct PictureIndex
{
    private readonly byte _idOffset;
    private readonly byte _tl0Offset;
    private readonly bool _longId;

    private PictureIndex(ReadOnlySpan<byte> payload, int idOffset, bool longId, int tl0Offset)
    {
        (_idOffset, _longId, _tl0Offset) = ((byte)idOffset, longId, (byte)tl0Offset);
        Id = longId ? BinaryPrimitives.ReadUInt16BigEndian(payload[idOffset..]) & 0x7FFF : payload[idOffset] & 0x7F;
        Tl0 = tl0Offset == 0 ? (byte)0 : payload[tl0Offset];
    }

    /// <summary>The picture id.</summary>
    public int Id { get; }

    /// <summary>TL0PICIDX; 0 when absent.</summary>
    public byte Tl0 { get; }

    /// <summary>The largest picture id plus one: 128 or 32,768.</summary>
    public int Modulus => _longId ? 0x8000 : 0x80;

    /// <summary>Reads them; false for other formats, and where there is no picture id.</summary>
    public static bool TryRead(PayloadFormat format, ReadOnlySpan<byte> payload, out PictureIndex index)
    {
        index = default;
        if (format == PayloadFormat.Vp8)
        {
            if (!Vp8Descriptor.TryParse(payload, out var vp8) || !vp8.HasPictureId)
            {
                return false;
            }

            index = new PictureIndex(payload, vp8.PictureIdOffset, vp8.PictureIdModulus > 0x80, vp8.Tl0Offset);
            return true;
        }

        // VP9: the flags I, P, L, F, then the id, the layers, and without flexible mode TL0PICIDX.
        if (format != PayloadFormat.Vp9 || payload.Length < 2 || (payload[0] & 0x80) == 0)
        {
            return false;
        }

        var longId = (payload[1] & 0x80) != 0;
        var layers = longId ? 3 : 2;
        var tl0 = (payload[0] & 0x30) == 0x20 ? layers + 1 : 0;
        if (payload.Length <= Math.Max(layers, tl0))
        {
            return false;
        }

        index = new PictureIndex(payload, 1, longId, tl0);
        return true;
    }

    /// <summary>Adds to both counters of the payload that was read, modulo their sizes.</summary>
    public void Shift(Span<byte> payload, int ids, int tl0s)
    {
        var id = (Id + ids) & (Modulus - 1);
        if (_longId)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload[_idOffset..], (ushort)(0x8000 | id));
        }
        else
        {
            payload[_idOffset] = (byte)id;
        }

        if (_tl0Offset != 0)
        {
            payload[_tl0Offset] = (byte)(Tl0 + tl0s);
        }
    }
}
