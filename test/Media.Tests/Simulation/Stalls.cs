namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>When a process gets no processor, as on a machine with too much to do: at random, but the same for the same seed.</summary>
internal sealed class Stalls(int seed, double perSecond, long longest)
{
    private readonly Random _random = new(seed);
    private long _begins = -1;
    private long _ends;

    /// <summary>Whether it stands still now; to be asked with growing times.</summary>
    public bool At(long now)
    {
        if (_begins < 0 || now >= _ends)
        {
            // Most stalls are short: the square of an even distribution.
            var from = Math.Max(now, _ends);
            _begins = from + (long)(-Math.Log(1 - _random.NextDouble()) * 1_000_000 / perSecond);
            var share = _random.NextDouble();
            _ends = _begins + (long)(share * share * longest);
        }

        return now >= _begins && now < _ends;
    }
}
