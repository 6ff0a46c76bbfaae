using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Recording.Video;

/// <summary>
/// VP9 superframes from RTP (RFC 9628 §4): all spatial layers of one picture together. Senders mark each layer to be shown, for none knows which a
/// receiver gets; in a file the highest alone is, or players would show the layers one after the other.
/// </summary>
internal sealed class Vp9Assembler(IFrameSink sink) : FrameAssembler(sink)
{
    /// <summary>Frames in a superframe at most (VP9 bitstream specification, annex B).</summary>
    private const int MaxLayers = 8;

    private readonly int[] _sizes = new int[MaxLayers];
    private readonly Vp9HeaderReader _headers = new();
    private Vp9FrameHeader? _header;
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

            HideLower(descriptor.SpatialLayer);
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
            _header = _headers.TryRead(Frame[_layerStart..], out var read) ? read : null;
            if (_layers == 1 && _isKeyFrame && !read.IsKeyFrame)
            {
                return false;
            }

            (_width, _height) = (Math.Max(_width, read.Width), Math.Max(_height, read.Height));
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
            if (_width == 0)
            {
                return false;
            }

            shape = new FrameShape { IsKeyFrame = true, Width = _width, Height = _height };
        }

        return _layers == 1 || TryAppendIndex();
    }

    /// <inheritdoc/>
    private protected override void OnAbandoned()
    {
        _layers = 0;
        _isInLayer = false;
    }

    // A layer of the same picture follows the last one.
    private void HideLower(int next)
    {
        if (_layers == 0 || next <= 0 || _header is not { IsShown: true } header)
        {
            return;
        }

        // Room for a byte more, which is given back where none is needed.
        var length = Length - _layerStart;
        if (TryAppend([0]))
        {
            var hidden = header.Hide(Frame[_layerStart..], length);
            Trim(_layerStart + hidden);
            _sizes[_layers - 1] = hidden;
        }
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
