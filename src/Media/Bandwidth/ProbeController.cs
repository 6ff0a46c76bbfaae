namespace VoiceCluster.Media.Bandwidth;

/// <summary>
/// When to send padding, and how fast, to find out whether more arrives than the estimate says: a short cluster at twice the
/// estimate, but no more than is wanted; the next one at once after a success, else later and later.
/// </summary>
internal sealed class ProbeController
{
    /// <summary>µs that a cluster lasts; with few packets longer.</summary>
    private const long Duration = 20_000;

    /// <summary>Fewer say nothing.</summary>
    private const int MinPackets = 6;

    /// <summary>Multiple of the estimate that is tried.</summary>
    private const double Step = 2;

    /// <summary>Multiple of what is wanted that is tried at most: measuring is not exact.</summary>
    private const double Reserve = 1.25;

    /// <summary>Share of the tried rate from which it counts as reached.</summary>
    private const double Reached = 0.7;

    /// <summary>µs after which a cluster without a result is given up.</summary>
    private const long Timeout = 1_000_000;

    /// <summary>µs between clusters after a failure: the first pause, the longest while somebody waits, and the longest otherwise.</summary>
    private const long FirstPause = 1_000_000;
    private const long LongestPause = 3_000_000;
    private const long LongestIdlePause = 30_000_000;

    /// <summary>µs after a cluster that said nothing.</summary>
    private const long UnclearPause = 200_000;

    private double _target;
    private long _startedAt;
    private long _nextAt;
    private long _failedAt;
    private long _pause = FirstPause;
    private long _bytes;
    private int _packets;
    private bool _isSending;
    private bool _isPending;

    /// <summary>Bits a second that could be used; no probes below the estimate.</summary>
    public double Wanted { get; set; }

    /// <summary>Whether somebody has less than they should while the estimate is as it is.</summary>
    public bool IsUrgent
    {
        get;
        set
        {
            if (value && !field)
            {
                // The pause may have grown while nobody waited.
                _pause = Math.Min(_pause, LongestPause);
                _nextAt = Math.Min(_nextAt, _failedAt + _pause);
            }

            field = value;
        }
    }

    /// <summary>The cluster that is being sent; 0 when there is none.</summary>
    public int Cluster => _isSending ? Number : 0;

    /// <summary>The last cluster's number.</summary>
    public int Number { get; private set; }

    /// <summary>Bits a second of the cluster that is sent or awaited.</summary>
    public double Target => _target;

    /// <summary>Begins a cluster when one is due; true when it has begun now.</summary>
    public bool TryBegin(double estimate, long now)
    {
        if (_isPending && now - _startedAt > Timeout)
        {
            OnResult(0, now);
        }

        if (_isPending || now < _nextAt || Wanted <= estimate)
        {
            return false;
        }

        _target = Math.Min(estimate * Step, Math.Max(Wanted * Reserve, estimate * 1.1));
        _startedAt = now;
        (_bytes, _packets) = (0, 0);
        (_isSending, _isPending) = (true, true);
        Number++;
        return true;
    }

    /// <summary>Whether the cluster's next packet of padding is due.</summary>
    public bool IsDue(long now) => _isSending && now >= DueAt;

    /// <summary>When to look again.</summary>
    public long Deadline(double estimate)
        => _isSending ? DueAt
            : _isPending ? _startedAt + Timeout + 1
            : Wanted > estimate ? _nextAt
            : long.MaxValue;

    /// <summary>Any packet that is sent while the cluster is belongs to it.</summary>
    public void OnSent(int bytes, long now)
    {
        _bytes += bytes;
        _packets++;
        if (_packets >= MinPackets && now - _startedAt >= Duration)
        {
            _isSending = false;
        }
    }

    /// <summary>There is nothing to send: the cluster ends.</summary>
    public void GiveUp(long now) => OnResult(0, now);

    /// <summary>The cluster's result, bits a second; 0 for none.</summary>
    public void OnResult(double bitrate, long now)
    {
        (_isSending, _isPending) = (false, false);
        if (bitrate >= Reached * _target)
        {
            _pause = FirstPause;
            _nextAt = now;
            return;
        }

        _failedAt = now;
        _nextAt = now + _pause;
        _pause = Math.Min(_pause * 3 / 2, IsUrgent ? LongestPause : LongestIdlePause);
    }

    /// <summary>The cluster's packets came in a heap, as from a receiver that got no processor: that says nothing, and it is tried again soon.</summary>
    public void OnUnclear(long now)
    {
        (_isSending, _isPending) = (false, false);
        _nextAt = now + UnclearPause;
    }

    /// <summary>A queue grows: not now.</summary>
    public void Postpone(long now) => _nextAt = Math.Max(_nextAt, now + FirstPause);

    private long DueAt => _startedAt + (long)(_bytes * 8e6 / _target);
}
