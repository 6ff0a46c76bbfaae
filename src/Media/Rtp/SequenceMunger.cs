namespace VoiceCluster.Media.Rtp;

/// <summary>
/// Maps the extended sequence numbers of sources to one contiguous outgoing series: joins, pauses, switches and
/// dropped packets leave no gap, losses do, and late packets land in the gap that they left.
/// </summary>
/// <param name="first">The first outgoing number.</param>
/// <param name="window">Packets for whose late arrival the mapping is kept: a power of two.</param>
public sealed class SequenceMunger(ushort first, int window = SequenceMunger.Window)
{
    /// <summary>The window of video, about a second at 10 Mbit/s.</summary>
    public const int Window = 1024;

    /// <summary>The window of sound, five seconds. A room has many consumers, and each keeps its own.</summary>
    public const int AudioWindow = 256;

    private const ulong Empty = ulong.MaxValue;

    // By source number modulo the window: the low halves of source and outgoing number, in one word, so that a packet
    // touches one cache line. The window is far shorter than their period of 2^32.
    private readonly ulong[] _entries = CreateEmpty(window);
    private long _highestSource;
    private long _next = 65536 + first;
    private bool _synced;

    /// <summary>The highest outgoing extended number so far; one less than the first before any.</summary>
    public long HighestOutput => _next - 1;

    /// <summary>Forgets the source: its next packet gets the next outgoing number, and what came before it is refused.</summary>
    public void Resync()
    {
        _synced = false;
        Array.Fill(_entries, Empty);
    }

    /// <summary>The outgoing number for a packet that no source sent. The source that follows must be synced anew.</summary>
    public long Insert()
    {
        Resync();
        return _next++;
    }

    /// <summary>Asks for the place of a packet that is about to be mapped.</summary>
    internal void Prefetch(long source) => Interop.Prefetch.Element(_entries, (int)(source & (window - 1)));

    /// <summary>The outgoing number of a packet; false for one before the join point or older than the window.</summary>
    public bool TryMap(long source, out long output)
    {
        if (!_synced)
        {
            _synced = true;
            _highestSource = source;
            output = Assign(source);
            return true;
        }

        if (source > _highestSource)
        {
            Reserve(source);
            _highestSource = source;
            output = Assign(source);
            return true;
        }

        var entry = _entries[(int)(source & (window - 1))];
        output = _next - (uint)((uint)_next - (uint)entry);
        return IsOf(entry, source);
    }

    /// <summary>Leaves a packet out without a gap. False when it is late: its place exists already, so better send it.</summary>
    public bool TryDrop(long source)
    {
        if (!_synced)
        {
            return true;
        }

        if (source <= _highestSource)
        {
            return !IsOf(_entries[(int)(source & (window - 1))], source);
        }

        Reserve(source);
        _highestSource = source;
        return true;
    }

    /// <summary>Which packet got an outgoing number; false for one that none got, or that is older than the last <see cref="Resync"/>. Slow.</summary>
    public bool TryFindSource(long output, out long source)
    {
        foreach (var entry in _entries)
        {
            if (entry != Empty && (uint)entry == (uint)output)
            {
                source = _highestSource - (uint)((uint)_highestSource - (uint)(entry >> 32));
                return true;
            }
        }

        source = 0;
        return false;
    }

    private static ulong[] CreateEmpty(int window)
    {
        var empty = new ulong[window];
        Array.Fill(empty, Empty);
        return empty;
    }

    private static bool IsOf(ulong entry, long source) => entry != Empty && (uint)(entry >> 32) == (uint)source;

    private void Reserve(long source)
    {
        var missing = source - _highestSource - 1;
        if (missing >= window)
        {
            // Nothing of so old a gap can be mapped any more, but receivers still see as much loss.
            _next += missing - (window - 1);
            _highestSource += missing - (window - 1);
        }

        for (var s = _highestSource + 1; s < source; s++)
        {
            Assign(s);
        }
    }

    private long Assign(long source)
    {
        _entries[(int)(source & (window - 1))] = ((ulong)(uint)source << 32) | (uint)_next;
        return _next++;
    }
}
