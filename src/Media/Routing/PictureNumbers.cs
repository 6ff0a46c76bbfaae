using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// The picture ids and TL0PICIDX that one receiver of VP8 or VP9 sees. They go on by one where another stream begins, or the same anew.
/// VP8's pictures that are left out with their temporal layer leave no gap: a receiver waits for an id that is missing below a
/// picture of a higher layer. VP9's refer to each other by differences of ids (RFC 9628 §4.2), so theirs stay as they are.
/// </summary>
internal sealed class PictureNumbers
{
    /// <summary>Pictures for whose late packets the mapping is kept: two seconds at 30 a second.</summary>
    private const int Window = 64;

    private readonly SequenceMunger _ids = new(0, Window);
    private long _idBase;
    private long _source;
    private long _shift;
    private long _last;
    private byte _lastTl0;
    private bool _hasAny;

    /// <summary>To be added to the ids of the packet that was kept last.</summary>
    public short IdShift => (short)_shift;

    /// <summary>To be added to its TL0PICIDX.</summary>
    public byte Tl0Shift { get; private set; }

    /// <summary>A stream begins with this packet.</summary>
    public void Begin(in SourcePacket packet)
    {
        if (!PictureIndex.TryRead(packet.Format, packet.Payload, out var index))
        {
            return;
        }

        _source = index.Id;
        _ids.Resync();
        if (_hasAny)
        {
            _idBase = _last - _ids.HighestOutput;
            _shift = _last + 1 - index.Id;
            Tl0Shift = (byte)(_lastTl0 + 1 - index.Tl0);
        }
        else
        {
            // The first stream's are its own.
            _idBase = index.Id - _ids.HighestOutput - 1;
            (_hasAny, _last, _lastTl0) = (true, index.Id - 1, index.Tl0);
        }
    }

    /// <summary>The packet is to be sent.</summary>
    public void Keep(in SourcePacket packet)
    {
        if (!PictureIndex.TryRead(packet.Format, packet.Payload, out var index))
        {
            return;
        }

        var source = Widen(index);
        if (packet.Format == PayloadFormat.Vp8 && _ids.TryMap(source, out var output))
        {
            _shift = output + _idBase - source;
        }

        if (source + _shift > _last)
        {
            (_last, _lastTl0) = (source + _shift, (byte)(index.Tl0 + Tl0Shift));
        }
    }

    /// <summary>The packet is left out with its layer.</summary>
    public void Drop(in SourcePacket packet)
    {
        if (packet.Format == PayloadFormat.Vp8 && PictureIndex.TryRead(packet.Format, packet.Payload, out var index))
        {
            _ids.TryDrop(Widen(index));
        }
    }

    // The nearest to the newest, which may be a little older.
    private long Widen(in PictureIndex index)
    {
        var half = index.Modulus / 2;
        var source = _source + (((index.Id - (int)_source + half) & (index.Modulus - 1)) - half);
        _source = Math.Max(_source, source);
        return source;
    }
}
