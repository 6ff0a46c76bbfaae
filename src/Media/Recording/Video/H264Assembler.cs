using System.Buffers.Binary;

namespace VoiceCluster.Media.Recording.Video;

/// <summary>
/// H.264 access units from RTP (RFC 6184 §5), each unit with its length before it as Matroska wants them; parameter sets go
/// to the decoder configuration.
/// </summary>
internal sealed class H264Assembler(IFrameSink sink) : FrameAssembler(sink)
{
    private const int Idr = 5;
    private const int Sps = 7;
    private const int Pps = 8;
    private const int Delimiter = 9;
    private const int Filler = 12;
    private const int LastSingle = 23;
    private const int StapA = 24;
    private const int FuA = 28;

    /// <summary>Bytes of a parameter set that is kept at most.</summary>
    private const int MaxParameterSet = 1_024;

    private byte[] _sps = [];
    private byte[] _pps = [];
    private byte[] _configuration = [];
    private int _width;
    private int _height;
    private int _fragmentStart = -1;
    private bool _hasIdr;

    /// <inheritdoc/>
    private protected override bool TryAdd(ReadOnlySpan<byte> payload)
    {
        if (!IsInFrame)
        {
            Begin();
        }

        return (payload[0] & 0x1F) switch
        {
            0 => false,
            <= LastSingle => _fragmentStart < 0 && TryAddUnit(payload),
            StapA => _fragmentStart < 0 && TryAddAggregate(payload[1..]),
            FuA => TryAddFragment(payload),

            // §5.2: STAP-B, MTAP and FU-B are for interleaved mode, which nobody negotiates.
            _ => false,
        };
    }

    /// <inheritdoc/>
    private protected override bool TryFinish(out FrameShape shape)
    {
        shape = default;
        if (_fragmentStart >= 0)
        {
            return false;
        }

        if (_hasIdr)
        {
            if (_configuration.Length == 0 && !TryMakeConfiguration())
            {
                return false;
            }

            shape = new FrameShape { IsKeyFrame = true, Width = _width, Height = _height, Configuration = _configuration };
        }

        return true;
    }

    /// <inheritdoc/>
    private protected override void OnAbandoned()
    {
        _fragmentStart = -1;
        _hasIdr = false;
    }

    private bool TryAddUnit(ReadOnlySpan<byte> unit)
    {
        switch (unit[0] & 0x1F)
        {
            case Sps:
                return TryKeep(ref _sps, unit);
            case Pps:
                return TryKeep(ref _pps, unit);
            case Delimiter or Filler:
                return true;
            case Idr:
                _hasIdr = true;
                break;
            default:
                break;
        }

        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, unit.Length);
        return TryAppend(length) && TryAppend(unit);
    }

    private bool TryAddAggregate(ReadOnlySpan<byte> units)
    {
        while (!units.IsEmpty)
        {
            // §5.7.1: 16 bits of size before each unit.
            if (units.Length < 3)
            {
                return false;
            }

            var size = BinaryPrimitives.ReadUInt16BigEndian(units);
            if (size == 0 || units.Length < 2 + size || !TryAddUnit(units.Slice(2, size)))
            {
                return false;
            }

            units = units[(2 + size)..];
        }

        return true;
    }

    // §5.8.
    private bool TryAddFragment(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 3)
        {
            return false;
        }

        var (starts, ends) = ((payload[1] & 0x80) != 0, (payload[1] & 0x40) != 0);
        if (starts != _fragmentStart < 0)
        {
            return false;
        }

        if (starts)
        {
            _fragmentStart = Length;
            _hasIdr |= (payload[1] & 0x1F) == Idr;
            if (!TryAppend([0, 0, 0, 0, (byte)((payload[0] & 0xE0) | (payload[1] & 0x1F))]))
            {
                return false;
            }
        }

        if (!TryAppend(payload[2..]))
        {
            return false;
        }

        if (ends)
        {
            BinaryPrimitives.WriteInt32BigEndian(Frame[_fragmentStart..], Length - _fragmentStart - 4);
            _fragmentStart = -1;
        }

        return true;
    }

    private bool TryKeep(ref byte[] kept, ReadOnlySpan<byte> unit)
    {
        if (unit.Length is < 2 or > MaxParameterSet)
        {
            return false;
        }

        if (!unit.SequenceEqual(kept))
        {
            kept = unit.ToArray();
            _configuration = [];
        }

        return true;
    }

    // ISO/IEC 14496-15 §5.3.3.1.
    private bool TryMakeConfiguration()
    {
        if (_sps.Length < 4 || _pps.Length == 0 || !H264Sps.TryReadSize(_sps, out _width, out _height))
        {
            return false;
        }

        var bytes = new List<byte> { 1, _sps[1], _sps[2], _sps[3], 0xFC | 3, 0xE0 | 1, (byte)(_sps.Length >> 8), (byte)_sps.Length };
        bytes.AddRange(_sps);
        bytes.AddRange([1, (byte)(_pps.Length >> 8), (byte)_pps.Length]);
        bytes.AddRange(_pps);
        if (_sps[1] is 100 or 110 or 122 or 144)
        {
            // High profiles of WebRTC: 4:2:0, 8 bits, no extension of the parameter set.
            bytes.AddRange([0xFC | 1, 0xF8, 0xF8, 0]);
        }

        _configuration = [.. bytes];
        return true;
    }
}
