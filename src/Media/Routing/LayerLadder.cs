using VoiceCluster.Media.Bandwidth;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// The levels that one consumer can have now, the lowest first, and what each takes: the temporal layers of the lowest stream,
/// and each higher stream, or spatial layer of one stream, whole. A sharp picture that stutters is not better than a smooth one.
/// </summary>
internal sealed class LayerLadder
{
    /// <summary>Streams of a producer beyond which the higher ones are left out.</summary>
    private const int MaxStreams = 8;

    /// <summary>µs of a pause before it is tried to end: the first time, and at most.</summary>
    private const long FirstPause = 2_000_000;
    private const long LongestPause = 16_000_000;

    private readonly (int Spatial, int Temporal, double Rate)[] _levels = new (int, int, double)[MaxStreams * LayerRates.MaxLayers];

    private long _pause = FirstPause;

    public int Count { get; private set; }

    /// <summary>The level that is being found; -1 for none.</summary>
    public int Next { get; set; }

    /// <summary>The level that it has; -1 for none.</summary>
    public int Present { get; private set; }

    /// <summary>When a step up may be taken again; µs.</summary>
    public long HeldUntil { get; set; } = long.MinValue;

    /// <summary>When a pause for want of room may be tried to end; µs.</summary>
    public long RetryAt { get; private set; } = long.MaxValue;

    public double RateAt(int level) => _levels[level].Rate;

    public int SpatialAt(int level) => _levels[level].Spatial;

    /// <summary>No limit where it is the stream's last layer.</summary>
    public int TemporalAt(int level)
        => level + 1 < Count && _levels[level + 1].Spatial == _levels[level].Spatial ? _levels[level].Temporal : int.MaxValue;

    public void Clear() => (Count, Next, Present) = (0, -1, -1);

    /// <summary>A pause begins; each one that did not help for long lasts longer.</summary>
    public void OnPaused(long now)
    {
        RetryAt = now + _pause;
        _pause = Math.Min(_pause * 2, LongestPause);
    }

    /// <summary>There is room for more than the lowest level.</summary>
    public void OnRoom() => _pause = FirstPause;

    /// <summary>Adds a stream's levels up to a temporal layer; its lowest always.</summary>
    public void Add(RtpStreamReceiver stream, int maxTemporal, long now)
    {
        if (Count + LayerRates.MaxLayers > _levels.Length)
        {
            return;
        }

        var rate = 0d;
        var first = Count;
        for (var layer = 0; layer < LayerRates.MaxLayers; layer++)
        {
            var own = stream.Rates!.Of(layer, now);
            if (own > 0 && (layer <= maxTemporal || rate == 0))
            {
                rate += own;
                Count = first > 0 ? first : Count;
                _levels[Count++] = (stream.EncodingIndex, layer, rate);
            }
        }
    }

    /// <summary>Adds a spatial layer of a stream whose lower ones have been added: it comes on top of them.</summary>
    public void AddSpatial(int spatial, LayerRates rates, int maxTemporal, long now)
    {
        var own = 0d;
        for (var layer = 0; layer < LayerRates.MaxLayers; layer++)
        {
            own += layer <= maxTemporal || layer == 0 ? rates.Of(layer, now) : 0;
        }

        if (own > 0 && Count > 0 && Count < _levels.Length)
        {
            _levels[Count] = (spatial, LayerRates.MaxLayers - 1, _levels[Count - 1].Rate + own);
            Count++;
        }
    }

    /// <summary>Finds the present level again among those that there are now.</summary>
    public void Place(int spatial, int temporal)
    {
        for (var level = 0; level < Count; level++)
        {
            if (_levels[level].Spatial < spatial || (_levels[level].Spatial == spatial && _levels[level].Temporal <= temporal))
            {
                Present = level;
            }
        }
    }
}
