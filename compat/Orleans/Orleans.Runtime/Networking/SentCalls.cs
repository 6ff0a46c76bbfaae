namespace Orleans.Runtime.Networking;

/// <summary>
/// The calls of one connection that wait for an answer, by number. A number is a slot and how often the slot was used, so
/// that an answer that comes too late finds nothing. Nothing is allocated once the table has grown to what is under way.
/// </summary>
internal sealed class SentCalls
{
    private const int SlotBits = 24;
    private const ulong SlotMask = (1ul << SlotBits) - 1;

    private readonly Lock _lock = new();
    private GrainCall?[] _calls = new GrainCall?[32];
    private ulong[] _ids = new ulong[32];
    private int[] _free = new int[32];
    private int _freeCount;
    private int _used;

    /// <summary>How many wait.</summary>
    public int Count => Volatile.Read(ref _used) - Volatile.Read(ref _freeCount);

    /// <summary>Notes a call and answers its number there, never 0; 0 when 16 million wait already.</summary>
    public ulong Add(GrainCall call, ClusterConnection connection)
    {
        lock (_lock)
        {
            int slot;
            if (_freeCount > 0)
            {
                slot = _free[--_freeCount];
            }
            else if (_used <= (int)SlotMask)
            {
                slot = _used++;
                if (slot == _calls.Length)
                {
                    Array.Resize(ref _calls, slot * 2);
                    Array.Resize(ref _ids, slot * 2);
                    Array.Resize(ref _free, slot * 2);
                }
            }
            else
            {
                return 0;
            }

            var id = (((_ids[slot] >> SlotBits) + 1) << SlotBits) | (uint)slot;
            _ids[slot] = id;
            _calls[slot] = call;
            call.Sent = new SentCall(connection, id);
            return id;
        }
    }

    /// <summary>Takes a call out; null when it is not there any more.</summary>
    public GrainCall? Take(ulong id)
    {
        lock (_lock)
        {
            var slot = (int)(id & SlotMask);
            if (slot >= _used || _ids[slot] != id || _calls[slot] is not { } call)
            {
                return null;
            }

            _calls[slot] = null;
            _free[_freeCount++] = slot;
            call.Sent = default;
            return call;
        }
    }

    /// <summary>Whether there is one of that kind.</summary>
    public bool Any(Predicate<GrainCall> predicate)
    {
        lock (_lock)
        {
            return Array.Exists(_calls, c => c is not null && predicate(c));
        }
    }

    /// <summary>Takes all of them out.</summary>
    public GrainCall[] TakeAll()
    {
        lock (_lock)
        {
            var taken = new List<GrainCall>();
            for (var slot = 0; slot < _used; slot++)
            {
                if (_calls[slot] is { } call)
                {
                    _calls[slot] = null;
                    _free[_freeCount++] = slot;
                    taken.Add(call);
                }
            }

            return [.. taken];
        }
    }
}
