using VoiceCluster.Media.Routing;

namespace VoiceCluster.Media.Workers;

/// <summary>What a worker wants of each of its transports.</summary>
internal interface IWorkerTransport
{
    /// <summary>Place in its <see cref="TransportSet{T}"/>, which alone sets it.</summary>
    int Index { get; set; }

    Timed Timer { get; }
}

/// <summary>A worker's transports of one kind, their timers, and their counters also after they have closed.</summary>
/// <param name="countsDropsOnly">Their packets come from clients and go to clients by other transports, which count them.</param>
internal sealed class TransportSet<T>(DeadlineHeap deadlines, WorkerStats stats, bool countsDropsOnly = false)
    where T : Transport, IWorkerTransport
{
    private readonly List<T> _transports = [];

    public int Count => _transports.Count;

    /// <summary>Takes a new one in; its timer runs at once.</summary>
    public void Add(T transport, long now)
    {
        transport.Index = _transports.Count;
        _transports.Add(transport);
        deadlines.Set(transport.Timer, now);
    }

    /// <summary>Takes a closing one out; the last takes its place.</summary>
    public void Remove(T transport)
    {
        deadlines.Remove(transport.Timer);
        var last = _transports[^1];
        _transports[transport.Index] = last;
        last.Index = transport.Index;
        _transports.RemoveAt(_transports.Count - 1);
        stats.Retire(transport.Stats, countsDropsOnly);
    }

    /// <summary>Adds the counters of those that are open.</summary>
    public void Sum(ref MediaTotals totals, Span<long> drops)
    {
        foreach (var transport in _transports)
        {
            if (!countsDropsOnly)
            {
                totals.Add(transport.Stats);
            }

            for (var i = 0; i < drops.Length; i++)
            {
                drops[i] += transport.Stats.Drops[i];
            }
        }
    }

    public List<T>.Enumerator GetEnumerator() => _transports.GetEnumerator();
}
