using System.Buffers.Binary;

namespace VoiceCluster.Media.Rtp;

/// <summary>Writes a one-byte header extension (RFC 8285 §4.2) behind a fixed RTP header.</summary>
public ref struct HeaderExtensionWriter
{
    /// <summary>The "defined by profile" value of the one-byte form.</summary>
    public const ushort OneByteProfile = 0xBEDE;

    private readonly Span<byte> _packet;
    private readonly int _start;
    private int _offset;

    /// <param name="packet">The packet's buffer; its header has been written.</param>
    /// <param name="start">Where the extension begins: 12 without CSRCs.</param>
    public HeaderExtensionWriter(Span<byte> packet, int start)
    {
        _packet = packet;
        _start = start;
        _offset = start + 4;
    }

    /// <summary>Adds room for an element and returns it; ids 1 to 14, 1 to 16 bytes.</summary>
    public Span<byte> Add(int id, int length)
    {
        _packet[_offset] = (byte)((id << 4) | (length - 1));
        var value = _packet.Slice(_offset + 1, length);
        _offset += 1 + length;
        return value;
    }

    /// <summary>Pads to words, sets the length and the X bit; returns where the payload begins. Without elements nothing is written.</summary>
    /// <param name="spare">Bytes of padding before that, so that elements of unequal length make packets of equal length.</param>
    public int Finish(int spare = 0)
    {
        var length = _offset - _start - 4;
        if (length == 0)
        {
            _packet[0] &= 0xEF;
            return _start;
        }

        for (; spare > 0 || length % 4 != 0; spare--)
        {
            _packet[_offset++] = 0;
            length++;
        }

        BinaryPrimitives.WriteUInt16BigEndian(_packet[_start..], OneByteProfile);
        BinaryPrimitives.WriteUInt16BigEndian(_packet[(_start + 2)..], (ushort)(length / 4));
        _packet[0] |= 0x10;
        return _offset;
    }
}
