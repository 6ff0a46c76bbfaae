using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>The spatial layers above the lowest that one stream has (VP9 SVC, RFC 9628): which of them flow, and what each takes.</summary>
internal sealed class SpatialLayers
{
    /// <summary>µs after its last packet for which a layer counts as flowing.</summary>
    private const long Timeout = 2_000_000;

    private readonly long[] _seenAt = new long[VideoFrame.MaxSpatialLayers];
    private readonly LayerRates?[] _rates = new LayerRates?[VideoFrame.MaxSpatialLayers];

    public SpatialLayers() => Array.Fill(_seenAt, long.MinValue / 2);

    /// <summary>Takes a packet of a layer above the lowest.</summary>
    /// <param name="frame">What it is.</param>
    /// <param name="payloadLength">Bytes.</param>
    /// <param name="measures">Whether rates are wanted.</param>
    /// <param name="now">µs.</param>
    public void Add(in VideoFrame frame, int payloadLength, bool measures, long now)
    {
        _seenAt[frame.SpatialLayer] = now;
        if (measures)
        {
            (_rates[frame.SpatialLayer] ??= new LayerRates()).Add(frame.TemporalLayer, payloadLength, now);
        }
    }

    /// <summary>The highest layer that flows; 0 when it is the lowest alone.</summary>
    public int Highest(long now)
    {
        var layer = VideoFrame.MaxSpatialLayers - 1;
        while (layer > 0 && now - _seenAt[layer] > Timeout)
        {
            layer--;
        }

        return layer;
    }

    /// <summary>What a layer takes; null while it is not known.</summary>
    public LayerRates? RatesOf(int layer) => _rates[layer];
}
