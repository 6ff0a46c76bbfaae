using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Recording.Video;

/// <summary>VP9 superframes from RTP (RFC 9628 §4): all spatial layers of one picture together.</summary>
internal sealed class Vp9Assembler(IFrameSink sink) : FrameAssembler(sink)
{
    /// <summary>Frames in a superframe at most (VP9 bitstream specification, annex B).</summary>
    private const int MaxLayers = 8;

    private readonly int[] _sizes = new int[MaxLayers];
    private int _layers;
    private int _layerStart;
    private bool _isInLayer;
    private bool _isKeyFrame;
    private int _width;
    private int _height;

    /// <inheritdoc/>
    private protected override bool TryAdd(ReadOnlySpan<byte> payload)
    {
        if (!Vp9Payload.TryParse(payload, out var descriptor, out var header, out var width, out var height))
        {
            return false;
        }

        if (descriptor.IsFrameStart)
        {
            if (_isInLayer || _layers == MaxLayers)
            {
                return false;
            }

            if (!IsInFrame)
            {
                Begin();
                (_isKeyFrame, _width, _height) = (descriptor.IsKeyFrame, 0, 0);
            }

            (_isInLayer, _layerStart) = (true, Length);
        }

        if (!IsInFrame)
        {
            return true;
        }

        if (!_isInLayer || !TryAppend(payload[header..]))
        {
            return false;
        }

        (_width, _height) = (Math.Max(_width, width), Math.Max(_height, height));
        if (descriptor.IsFrameEnd)
        {
            _isInLayer = false;
            _sizes[_layers++] = Length - _layerStart;
        }

        return true;
    }

    /// <inheritdoc/>
    private protected override bool TryFinish(out FrameShape shape)
    {
        shape = default;
        if (_isInLayer || _layers == 0)
        {
            return false;
        }

        if (_isKeyFrame)
        {
            if (!Vp9FrameHeader.TryReadKeyFrameSize(Frame, out var width, out var height))
            {
                return false;
            }

            shape = new FrameShape { IsKeyFrame = true, Width = Math.Max(width, _width), Height = Math.Max(height, _height) };
        }

        return _layers == 1 || TryAppendIndex();
    }

    /// <inheritdoc/>
    private protected override void OnAbandoned()
    {
        _layers = 0;
        _isInLayer = false;
    }

    // Annex B: sizes of 4 bytes, little-endian, between two marker bytes.
    private bool TryAppendIndex()
    {
        Span<byte> index = stackalloc byte[2 + (MaxLayers * 4)];
        var marker = (byte)(0xC0 | (3 << 3) | (_layers - 1));
        var length = 0;
        index[length++] = marker;
        for (var i = 0; i < _layers; i++)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(index[length..], _sizes[i]);
            length += 4;
        }

        index[length++] = marker;
        return TryAppend(index[..length]);
    }
}
