using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>
/// Ends long connections with the token that opened them. A connection lives as long as its token would be accepted:
/// until <c>exp</c> and <c>Auth:ClockSkew</c> after it.
/// </summary>
public sealed class TokenExpiry(IOptions<AuthOptions> options, TimeProvider time)
{
    /// <summary>Calls <paramref name="ended"/> once the token is over, from a timer's thread. Disposing the watch calls it off.</summary>
    public TokenWatch Watch(DateTimeOffset expiresAt, Action ended)
    {
        TokenWatch watch = new(options.Value.ClockSkew, time, ended);
        watch.Renew(expiresAt);
        return watch;
    }
}

/// <summary>Waits for the end of one connection's token.</summary>
public sealed class TokenWatch : IDisposable
{
    // A timer takes no more than 49 days; a longer life is waited for in parts.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(40);

    private readonly Lock _gate = new();
    private readonly TimeSpan _grace;
    private readonly TimeProvider _time;
    private readonly Action _ended;
    private readonly ITimer _timer;
    private DateTimeOffset _expiresAt;
    private bool _isOver;

    internal TokenWatch(TimeSpan grace, TimeProvider time, Action ended)
    {
        _grace = grace;
        _time = time;
        _ended = ended;
        _timer = time.CreateTimer(static self => ((TokenWatch)self!).Check(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The connection has shown another token. One that ends earlier is the newer word as well.</summary>
    public void Renew(DateTimeOffset expiresAt)
    {
        lock (_gate)
        {
            _expiresAt = expiresAt;
            Wait();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
        }

        _timer.Dispose();
    }

    private void Check()
    {
        lock (_gate)
        {
            if (_isOver || !Wait())
            {
                return;
            }

            _isOver = true;
        }

        _ended();
    }

    /// <summary>True when there is nothing left to wait for.</summary>
    private bool Wait()
    {
        var left = _expiresAt + _grace - _time.GetUtcNow();
        if (!_isOver)
        {
            _timer.Change(left <= TimeSpan.Zero ? TimeSpan.Zero : left < LongestWait ? left : LongestWait, Timeout.InfiniteTimeSpan);
        }

        return left <= TimeSpan.Zero;
    }
}
