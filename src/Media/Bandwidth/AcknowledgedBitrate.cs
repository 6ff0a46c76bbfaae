namespace VoiceCluster.Media.Bandwidth;

/// <summary>Bits a second that arrived at the receiver in the last half second, by its own clock (draft-ietf-rmcat-gcc-02 §5.6, R_hat).</summary>
internal sealed class AcknowledgedBitrate
{
    private const int Buckets = 20;

    /// <summary>µs of one bucket; all together are the half second that §5.6 suggests as the window's lower end.</summary>
    private const long BucketLength = 25_000;

    /// <summary>µs of arrivals before the figure means something.</summary>
    private const long Patience = 150_000;

    private readonly long[] _bytes = new long[Buckets];
    private long _first = -1;
    private long _current = -1;
    private long _last;

    /// <summary>0 while too little has arrived.</summary>
    public long BitsPerSecond { get; private set; }

    public void OnPacket(int bytes, long arrival)
    {
        var bucket = arrival / BucketLength;
        if (_current < 0 || Math.Abs(bucket - _current) >= Buckets)
        {
            Array.Clear(_bytes);
            _current = bucket;
            _first = arrival;
            _last = arrival;
        }

        for (; _current < bucket; _current++)
        {
            _bytes[(int)((_current + 1) % Buckets)] = 0;
        }

        _bytes[(int)(bucket % Buckets)] += bytes;
        _last = Math.Max(_last, arrival);
        var window = Math.Min(_last - _first, ((Buckets - 1) * BucketLength) + (_last % BucketLength));
        if (window < Patience)
        {
            return;
        }

        var sum = 0L;
        foreach (var each in _bytes)
        {
            sum += each;
        }

        BitsPerSecond = sum * 8 * 1_000_000 / window;
    }
}
