namespace VoiceCluster.Media.Bandwidth;

/// <summary>Bits a second over the last second, in buckets of 100 ms.</summary>
internal sealed class RateCounter
{
    private const int Buckets = 10;
    private const long BucketLength = 100_000;

    private readonly long[] _bytes = new long[Buckets];
    private long _current = -1;

    public void Add(int bytes, long now)
    {
        Advance(now);
        _bytes[(int)(_current % Buckets)] += bytes;
    }

    public long BitsPerSecond(long now)
    {
        Advance(now);
        var sum = 0L;
        foreach (var bytes in _bytes)
        {
            sum += bytes;
        }

        return sum * 8;
    }

    private void Advance(long now)
    {
        var bucket = Math.Max(0, now / BucketLength);
        if (_current < 0 || bucket - _current >= Buckets)
        {
            Array.Clear(_bytes);
            _current = bucket;
            return;
        }

        while (_current < bucket)
        {
            _current++;
            _bytes[(int)(_current % Buckets)] = 0;
        }
    }
}
