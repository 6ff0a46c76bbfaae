namespace VoiceCluster.Media.Workers;

/// <summary>Something that wants to run at a time.</summary>
internal abstract class Timed
{
    /// <summary>Place in the heap, -1 when not in it. The heap's own.</summary>
    internal int HeapIndex { get; set; } = -1;

    /// <summary>When to run, in microseconds. The heap's own.</summary>
    internal long Deadline { get; set; }

    /// <summary>Runs what is due; returns the next deadline.</summary>
    internal abstract long Run(long now);
}

/// <summary>A binary heap of deadlines whose items know their place, so that moving one costs O(log n) and no allocation.</summary>
internal sealed class DeadlineHeap
{
    private Timed[] _items = new Timed[64];

    /// <summary>Items now.</summary>
    public int Count { get; private set; }

    /// <summary>The earliest deadline; <see cref="long.MaxValue"/> when empty.</summary>
    public long Next => Count == 0 ? long.MaxValue : _items[0].Deadline;

    /// <summary>Adds an item, or moves it to a new deadline.</summary>
    public void Set(Timed item, long deadline)
    {
        if (item.HeapIndex < 0)
        {
            if (Count == _items.Length)
            {
                Array.Resize(ref _items, Count * 2);
            }

            item.HeapIndex = Count;
            _items[Count++] = item;
            item.Deadline = deadline;
            Up(item.HeapIndex);
            return;
        }

        var earlier = deadline < item.Deadline;
        item.Deadline = deadline;
        if (earlier)
        {
            Up(item.HeapIndex);
        }
        else
        {
            Down(item.HeapIndex);
        }
    }

    /// <summary>Moves an item's deadline forward to <paramref name="latest"/> if it is later.</summary>
    public void NoLaterThan(Timed item, long latest)
    {
        if (item.HeapIndex >= 0 && item.Deadline > latest)
        {
            Set(item, latest);
        }
    }

    /// <summary>Takes an item out; no harm when it is not in.</summary>
    public void Remove(Timed item)
    {
        var index = item.HeapIndex;
        if (index < 0)
        {
            return;
        }

        item.HeapIndex = -1;
        var last = _items[--Count];
        _items[Count] = null!;
        if (!ReferenceEquals(last, item))
        {
            last.HeapIndex = index;
            _items[index] = last;
            Up(index);
            Down(last.HeapIndex);
        }
    }

    /// <summary>
    /// Runs every item that is due and puts it back at its next deadline, at least a millisecond later,
    /// so that an item which always wants to run at once cannot hold the thread.
    /// </summary>
    public void RunDue(long now)
    {
        while (Count > 0 && _items[0].Deadline <= now)
        {
            var item = _items[0];
            var next = item.Run(now);
            if (item.HeapIndex >= 0)
            {
                Set(item, Math.Max(next, now + 1_000));
            }
        }
    }

    private void Up(int index)
    {
        var item = _items[index];
        while (index > 0)
        {
            var parent = (index - 1) / 2;
            if (_items[parent].Deadline <= item.Deadline)
            {
                break;
            }

            Place(_items[parent], index);
            index = parent;
        }

        Place(item, index);
    }

    private void Down(int index)
    {
        var item = _items[index];
        while (true)
        {
            var child = (index * 2) + 1;
            if (child >= Count)
            {
                break;
            }

            if (child + 1 < Count && _items[child + 1].Deadline < _items[child].Deadline)
            {
                child++;
            }

            if (item.Deadline <= _items[child].Deadline)
            {
                break;
            }

            Place(_items[child], index);
            index = child;
        }

        Place(item, index);
    }

    private void Place(Timed item, int index)
    {
        _items[index] = item;
        item.HeapIndex = index;
    }
}
