namespace VoiceCluster.ApiFrontend.Limits;

/// <summary>
/// One token bucket a key, in bounded memory. A bucket that has filled up again says the same as no bucket, so the oldest of
/// them go first; when all are in use, the one unused for longest goes. Time is passed in, from a clock that never goes back.
/// </summary>
public sealed class TokenBuckets
{
    private readonly double _burst;
    private readonly double _perSecond;
    private readonly int _capacity;
    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, LinkedListNode<Bucket>> _buckets = [];
    private readonly LinkedList<Bucket> _byUse = [];

    /// <param name="burst">Tokens of a full bucket.</param>
    /// <param name="perSecond">Tokens that flow in each second.</param>
    /// <param name="capacity">The most buckets that are kept.</param>
    public TokenBuckets(int burst, double perSecond, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(burst, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(perSecond);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _burst = burst;
        _perSecond = perSecond;
        _capacity = capacity;
    }

    /// <summary>Buckets in memory now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _buckets.Count;
            }
        }
    }

    /// <summary>Takes a token, or says when the next one is there.</summary>
    public bool TryTake(UInt128 key, TimeSpan now, out TimeSpan retryAfter)
    {
        lock (_gate)
        {
            var bucket = Touch(key, now);
            Refill(bucket, now);
            if (bucket.Tokens >= 1)
            {
                bucket.Tokens--;
                retryAfter = TimeSpan.Zero;
                return true;
            }

            retryAfter = TimeSpan.FromSeconds((1 - bucket.Tokens) / _perSecond);
            return false;
        }
    }

    private Bucket Touch(UInt128 key, TimeSpan now)
    {
        if (_buckets.TryGetValue(key, out var node))
        {
            _byUse.Remove(node);
            _byUse.AddLast(node);
            return node.Value;
        }

        MakeRoom(now);
        node = _byUse.AddLast(new Bucket(key) { Tokens = _burst, At = now });
        _buckets.Add(key, node);
        return node.Value;
    }

    /// <summary>Two may go for each that comes, so that memory falls again after a rush.</summary>
    private void MakeRoom(TimeSpan now)
    {
        for (var i = 0; i < 2 && _byUse.First is { } oldest; i++)
        {
            Refill(oldest.Value, now);
            if (oldest.Value.Tokens < _burst && _buckets.Count < _capacity)
            {
                return;
            }

            _byUse.RemoveFirst();
            _buckets.Remove(oldest.Value.Key);
        }
    }

    private void Refill(Bucket bucket, TimeSpan now)
    {
        // Callers read the clock before they wait for the lock, so a time may be a little behind.
        if (now > bucket.At)
        {
            bucket.Tokens = Math.Min(_burst, bucket.Tokens + ((now - bucket.At).TotalSeconds * _perSecond));
            bucket.At = now;
        }
    }

    private sealed class Bucket(UInt128 key)
    {
        public UInt128 Key { get; } = key;

        public double Tokens { get; set; }

        public TimeSpan At { get; set; }
    }
}
