namespace VoiceCluster.Media.Bandwidth;

/// <summary>How many bits a second a stream has up to each of its temporal layers.</summary>
internal sealed class LayerRates
{
    /// <summary>Temporal layers told apart; those above count as the last.</summary>
    public const int MaxLayers = 4;

    /// <summary>µs of a stream before its rate means something: a key frame and some others.</summary>
    private const long Patience = 500_000;

    /// <summary>Over so many seconds: pictures of few frames a second have rates too.</summary>
    private const int Window = 2;

    /// <summary>RTP header and extensions, bytes a packet.</summary>
    private const int Header = 24;

    private readonly RateCounter?[] _layers = new RateCounter?[MaxLayers];
    private long _since = -1;
    private long _last;

    /// <summary>Takes a packet; a layer below 0 is unknown and counts as the lowest.</summary>
    public void Add(int temporalLayer, int payloadLength, long now)
    {
        // After a silence it begins anew: half a window of the new beside half of nothing would say half.
        _since = _since < 0 || now - _last > Window * 1_000_000 ? now : _since;
        _last = now;
        (_layers[Math.Clamp(temporalLayer, 0, MaxLayers - 1)] ??= new RateCounter(Window)).Add(payloadLength + Header, now);
    }

    /// <summary>Whether there has been enough of the stream to tell.</summary>
    public bool IsKnown(long now) => _since >= 0 && now - _since >= Patience;

    /// <summary>Bits a second of this temporal layer alone.</summary>
    public long Of(int temporalLayer, long now)
    {
        if (_layers[temporalLayer] is not { } counter)
        {
            return 0;
        }

        // The counter's last bucket is not full yet, and a young stream has not filled the others.
        const long bucket = Window * 100_000;
        var window = Math.Clamp(now - _since, bucket, (9 * bucket) + (now % bucket));
        return counter.BitsPerSecond(now) * Window * 1_000_000 / window;
    }
}
