namespace VoiceCluster.Media.Rtp;

/// <summary>
/// Maps the extended sequence numbers of sources to one contiguous outgoing series: joins, pauses, switches and
/// dropped packets leave no gap, losses do, and late packets land in the gap that they left.
/// </summary>
public sealed class SequenceMunger(ushort first)
{
    /// <summary>Packets for whose late arrival the mapping is kept.</summary>
    public const int Window = 1024;

    // Outgoing number by source number modulo the window; _sources tells whose it is.
    private readonly long[] _sources = CreateEmpty();
    private readonly long[] _outputs = new long[Window];
    private long _highestSource;
    private long _next = 65536 + first;
    private bool _synced;

    /// <summary>The highest outgoing extended number so far; one less than the first before any.</summary>
    public long HighestOutput => _next - 1;

    /// <summary>Forgets the source: its next packet gets the next outgoing number, and what came before it is refused.</summary>
    public void Resync()
    {
        _synced = false;
        Array.Fill(_sources, -1);
    }

    /// <summary>The outgoing number for a packet that no source sent. The source that follows must be synced anew.</summary>
    public long Insert()
    {
        Resync();
        return _next++;
    }

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

        var slot = (int)(source & (Window - 1));
        output = _outputs[slot];
        return _sources[slot] == source;
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
            return _sources[(int)(source & (Window - 1))] != source;
        }

        Reserve(source);
        _highestSource = source;
        return true;
    }

    private static long[] CreateEmpty()
    {
        var empty = new long[Window];
        Array.Fill(empty, -1);
        return empty;
    }

    private void Reserve(long source)
    {
        var missing = source - _highestSource - 1;
        if (missing >= Window)
        {
            // Nothing of so old a gap can be mapped any more, but receivers still see as much loss.
            _next += missing - (Window - 1);
            _highestSource += missing - (Window - 1);
        }

        for (var s = _highestSource + 1; s < source; s++)
        {
            Assign(s);
        }
    }

    private long Assign(long source)
    {
        var slot = (int)(source & (Window - 1));
        _sources[slot] = source;
        _outputs[slot] = _next;
        return _next++;
    }
}
