namespace VoiceCluster.Media.Rtp;

/// <summary>Goes through the elements of a header extension (RFC 8285 §4.2 and §4.3), within its bounds whatever they say.</summary>
public ref struct HeaderExtensionReader
{
    private readonly Span<byte> _elements;
    private readonly bool _twoByte;
    private int _offset;

    internal HeaderExtensionReader(ushort profile, Span<byte> elements)
    {
        // RFC 8285 §4.3: the two-byte form is 0x100 and four application bits.
        _twoByte = profile >> 4 == 0x100;
        _elements = _twoByte || profile == HeaderExtensionWriter.OneByteProfile ? elements : default;
        _offset = 0;
        Id = 0;
        Value = default;
    }

    /// <summary>The current element's id.</summary>
    public byte Id { get; private set; }

    /// <summary>The current element's bytes.</summary>
    public Span<byte> Value { get; private set; }

    /// <summary>Moves to the next element; false at the end or at the first that overruns.</summary>
    public bool MoveNext()
    {
        while (_offset < _elements.Length)
        {
            var first = _elements[_offset];
            if (first == 0)
            {
                // §4.1.1: a zero byte is padding, between elements too.
                _offset++;
                continue;
            }

            int length;
            int start;
            if (_twoByte)
            {
                if (_offset + 2 > _elements.Length)
                {
                    return false;
                }

                Id = first;
                length = _elements[_offset + 1];
                start = _offset + 2;
            }
            else
            {
                Id = (byte)(first >> 4);
                if (Id == 15)
                {
                    // RFC 8285 §4.2: id 15 ends the processing.
                    _offset = _elements.Length;
                    return false;
                }

                length = (first & 0x0F) + 1;
                start = _offset + 1;
            }

            if (start + length > _elements.Length)
            {
                _offset = _elements.Length;
                return false;
            }

            _offset = start + length;
            if (Id == 0)
            {
                continue;
            }

            Value = _elements.Slice(start, length);
            return true;
        }

        return false;
    }
}
