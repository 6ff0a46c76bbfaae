using System.Buffers.Binary;

namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>The VP8 payload descriptor (RFC 7741 §4.2).</summary>
public readonly struct Vp8Descriptor
{
    private readonly byte _pictureIdOffset;
    private readonly byte _tl0Offset;
    private readonly bool _longPictureId;

    private Vp8Descriptor(int length, byte pictureIdOffset, bool longPictureId, byte tl0Offset, bool keyFrame, bool frameStart, int temporalLayer, bool layerSync)
    {
        Length = length;
        _pictureIdOffset = pictureIdOffset;
        _longPictureId = longPictureId;
        _tl0Offset = tl0Offset;
        IsKeyFrame = keyFrame;
        IsFrameStart = frameStart;
        TemporalLayer = temporalLayer;
        IsLayerSync = layerSync;
    }

    /// <summary>Bytes of the descriptor; at least one of the frame follows.</summary>
    public int Length { get; }

    /// <summary>True for the packet that begins a key frame (RFC 7741 §4.3: P is 0).</summary>
    public bool IsKeyFrame { get; }

    /// <summary>True for the packet that begins a frame: S set and partition 0.</summary>
    public bool IsFrameStart { get; }

    /// <summary>TID; -1 when absent.</summary>
    public int TemporalLayer { get; }

    /// <summary>Y: the frame depends on the base layer only, so that one may switch up here.</summary>
    public bool IsLayerSync { get; }

    public bool HasPictureId => _pictureIdOffset != 0;

    /// <summary>Where the picture id is in the payload; 0 when absent.</summary>
    internal int PictureIdOffset => _pictureIdOffset;

    /// <summary>Where TL0PICIDX is; 0 when absent.</summary>
    internal int Tl0Offset => _tl0Offset;

    public bool HasTl0PicIdx => _tl0Offset != 0;

    /// <summary>The largest picture id plus one: 128 or 32,768.</summary>
    public int PictureIdModulus => _longPictureId ? 0x8000 : 0x80;

    /// <summary>Reads the descriptor; false when the payload ends within it.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out Vp8Descriptor descriptor)
    {
        descriptor = default;
        if (payload.IsEmpty)
        {
            return false;
        }

        var start = (payload[0] & 0x10) != 0 && (payload[0] & 0x07) == 0;
        var offset = 1;
        byte pictureIdOffset = 0;
        byte tl0Offset = 0;
        var longPictureId = false;
        var temporalLayer = -1;
        var layerSync = false;
        if ((payload[0] & 0x80) != 0)
        {
            if (payload.Length < 2)
            {
                return false;
            }

            var flags = payload[1];
            offset = 2;
            if ((flags & 0x80) != 0)
            {
                if (payload.Length <= offset)
                {
                    return false;
                }

                pictureIdOffset = (byte)offset;
                longPictureId = (payload[offset] & 0x80) != 0;
                offset += longPictureId ? 2 : 1;
            }

            if ((flags & 0x40) != 0)
            {
                tl0Offset = (byte)offset++;
            }

            if ((flags & 0x30) != 0)
            {
                if (payload.Length <= offset)
                {
                    return false;
                }

                if ((flags & 0x20) != 0)
                {
                    temporalLayer = payload[offset] >> 6;
                    layerSync = (payload[offset] & 0x20) != 0;
                }

                offset++;
            }
        }

        if (payload.Length <= offset)
        {
            return false;
        }

        descriptor = new Vp8Descriptor(offset, pictureIdOffset, longPictureId, tl0Offset, start && (payload[offset] & 0x01) == 0, start, temporalLayer, layerSync);
        return true;
    }

    /// <summary>The picture id in the payload that was parsed; 0 when absent.</summary>
    public int ReadPictureId(ReadOnlySpan<byte> payload) => !HasPictureId ? 0
        : _longPictureId ? BinaryPrimitives.ReadUInt16BigEndian(payload[_pictureIdOffset..]) & 0x7FFF
        : payload[_pictureIdOffset];

    /// <summary>TL0PICIDX in the payload that was parsed; 0 when absent.</summary>
    public byte ReadTl0PicIdx(ReadOnlySpan<byte> payload) => HasTl0PicIdx ? payload[_tl0Offset] : (byte)0;
}
