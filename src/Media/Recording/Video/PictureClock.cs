namespace VoiceCluster.Media.Recording.Video;

/// <summary>
/// When, by our clock, a video stream's frames were taken: by the sender's reports, and before the first one by arrival.
/// The sound of the same sender is placed by the same reports, so both stay together.
/// </summary>
internal sealed class PictureClock(int clockRate)
{
    /// <summary>µs of error at which time is mended at once; less is mended by an eighth a report.</summary>
    private const long Tolerance = 40_000;

    /// <summary>µs from arrival at which a stream's clock counts as a new one: 10 s.</summary>
    private const long MaxLeap = 10_000_000;

    private bool _isAnchored;
    private uint _timestamp;
    private long _at;
    private bool _hasReport;
    private uint _reportTimestamp;
    private long _reportAt;
    private long _last = long.MinValue;

    /// <summary>Another stream, with another clock.</summary>
    public void Begin() => _isAnchored = _hasReport = false;

    /// <summary>A report: the time stamp's instant.</summary>
    public void Report(uint timestamp, long at)
    {
        if (!_isAnchored)
        {
            (_reportTimestamp, _reportAt, _hasReport) = (timestamp, at, true);
            return;
        }

        var error = at - Map(timestamp);
        _at += Math.Abs(error) >= Tolerance ? error : error / 8;
    }

    /// <summary>A frame's instant, µs; it grows from frame to frame.</summary>
    public long InstantOf(uint timestamp, long arrivedAt)
    {
        if (!_isAnchored || Math.Abs(Map(timestamp) - arrivedAt) > MaxLeap)
        {
            (_timestamp, _at) = (timestamp, arrivedAt);
            if (_hasReport && _reportAt + Ticks(timestamp - _reportTimestamp) is var reported && Math.Abs(reported - arrivedAt) < MaxLeap / 10)
            {
                _at = Math.Min(reported, arrivedAt);
            }

            _isAnchored = true;
        }

        // The anchor goes along, so that the distance to it fits 32 bits.
        (_at, _timestamp) = (Map(timestamp), timestamp);
        return _last = Math.Max(_last + 1_000, _at);
    }

    private long Map(uint timestamp) => _at + Ticks(timestamp - _timestamp);

    private long Ticks(uint distance) => (long)(int)distance * 1_000_000 / clockRate;
}
