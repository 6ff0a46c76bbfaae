namespace VoiceCluster.Media.Bandwidth;

/// <summary>Bits a second over the last second or some, in ten buckets.</summary>
internal sealed class RateCounter(int seconds = 1)
{
    private const int Buckets = 10;
    private readonly long _bucketLength = seconds * 1_000_000L / Buckets;
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

        return sum * 8 / seconds;
    }

    private void Advance(long now)
    {
        var bucket = Math.Max(0, now / _bucketLength);
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
