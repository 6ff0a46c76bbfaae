namespace VoiceCluster.Media.Mixing;

/// <summary>
/// How much later than it came in the best case a sample is played: as much as the network's jitter of the last seconds
/// asks for. Times are samples of 48 kHz; transit is arrival minus RTP time, so its zero means nothing and its changes are
/// delay and clock drift.
/// </summary>
internal sealed class PlayoutDelay
{
    /// <summary>A window, 5 s: the figures come from this one and the one before, so drift is followed within 10 s.</summary>
    private const long Window = 5 * 48_000;

    /// <summary>Jitter provided for at least: 10 ms, a scheduler's.</summary>
    private const long MinJitter = 480;

    /// <summary>Delay at most: 240 ms. Who is later than that is not in the conversation any more.</summary>
    private const long MaxDelay = 240 * 48;

    private WindowFigures _now;
    private WindowFigures _before;
    private long _windowEnd;
    private bool _hasAny;

    /// <summary>The least transit seen.</summary>
    public long BestTransit { get; private set; }

    /// <summary>Samples to wait beyond the best transit; a frame of it is for the mixer's step.</summary>
    public long Target { get; private set; } = MinJitter + Mixer.FrameSamples;

    /// <summary>Notes that the packet with this time stamp came at <paramref name="arrival"/>.</summary>
    public void OnPacket(long timestamp, long arrival)
    {
        var transit = arrival - timestamp;
        if (!_hasAny)
        {
            _hasAny = true;
            _windowEnd = arrival + Window;
            _now = _before = WindowFigures.Of(transit);
        }
        else if (arrival >= _windowEnd)
        {
            _windowEnd = arrival + Window;
            _before = _now;
            _now = WindowFigures.Of(transit);
        }
        else
        {
            _now.Add(transit);
        }

        BestTransit = Math.Min(_now.Least, _before.Least);
        var jitter = Math.Max(_now.ThirdMost, _before.ThirdMost) - BestTransit;
        Target = Math.Min(Math.Max(jitter, MinJitter) + Mixer.FrameSamples, MaxDelay);
    }

    /// <summary>As new.</summary>
    public void Reset()
    {
        _hasAny = false;
        Target = MinJitter + Mixer.FrameSamples;
    }

    /// <summary>The third most, not the most: two stragglers in ten seconds are cheaper lost than waited for.</summary>
    private struct WindowFigures
    {
        private long _most;
        private long _second;

        public long Least { get; private set; }

        public long ThirdMost { get; private set; }

        public static WindowFigures Of(long transit) => new() { Least = transit, _most = transit, _second = transit, ThirdMost = transit };

        public void Add(long transit)
        {
            Least = Math.Min(Least, transit);
            if (transit > _most)
            {
                (_most, _second, ThirdMost) = (transit, _most, _second);
            }
            else if (transit > _second)
            {
                (_second, ThirdMost) = (transit, _second);
            }
            else
            {
                ThirdMost = Math.Max(ThirdMost, transit);
            }
        }
    }
}
