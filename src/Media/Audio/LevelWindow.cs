namespace VoiceCluster.Media.Audio;

/// <summary>
/// A voice's loudness over the last 45 ms: short enough that who becomes loud or falls silent is noticed within 60 ms,
/// long enough for two packets of 20 ms, so that one packet decides nothing.
/// </summary>
internal sealed class LevelWindow
{
    /// <summary>dBov of digital silence (RFC 6464 §3), and of who sends nothing.</summary>
    public const int Silence = -127;

    /// <summary>µs looked back.</summary>
    private const long Span = 45_000;

    /// <summary>µs for which the last packet counts when none came since: packets may last 120 ms.</summary>
    private const long LastCounts = 150_000;

    /// <summary>Packets remembered: 45 ms at 5 ms a packet, and a power of two.</summary>
    private const int Size = 16;

    /// <summary>Power relative to full scale by −dBov.</summary>
    private static readonly double[] Powers = [.. Enumerable.Range(0, 128).Select(level => Math.Pow(10, -level / 10.0))];

    private readonly long[] _times = new long[Size];
    private readonly byte[] _levels = new byte[Size];
    private int _count;

    /// <summary>Notes a packet's level, in −dBov.</summary>
    public void Add(byte level, long now)
    {
        var slot = _count++ & (Size - 1);
        _times[slot] = now;
        _levels[slot] = level;
    }

    /// <summary>Forgets what was heard.</summary>
    public void Clear() => _count = 0;

    /// <summary>The mean power and the loudest packet, in dBov; −127 when there was none.</summary>
    public void Read(long now, out double mean, out int loudest)
    {
        var sum = 0d;
        var packets = 0;
        var least = 127;
        for (var i = _count - 1; i >= 0 && i >= _count - Size; i--)
        {
            var slot = i & (Size - 1);
            var age = now - _times[slot];
            if (age > (packets == 0 ? LastCounts : Span))
            {
                break;
            }

            packets++;
            sum += Powers[_levels[slot]];
            least = Math.Min(least, _levels[slot]);
        }

        mean = packets == 0 ? Silence : 10 * Math.Log10(sum / packets);
        loudest = -least;
    }
}
