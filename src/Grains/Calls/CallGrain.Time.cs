using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Calls;

/// <summary>The call's timers: how long it rings, how long nobody is connected, and the reminder behind both.</summary>
public sealed partial class CallGrain
{
    /// <summary>Starts and stops timers as the stored state needs them.</summary>
    private void KeepTime()
    {
        var rings = _call is { IsOver: false } ringing && Array.Exists(ringing.Parties, p => p.Status == CallPartyStatus.Ringing);
        if (!rings)
        {
            _ringTimer?.Dispose();
            _ringTimer = null;
        }
        else if (_ringTimer is null)
        {
            var due = _call!.ExpiresAt - _time.GetUtcNow();
            _ringTimer = StartTimer(CheckRingTimeAsync, due > TimeSpan.Zero ? due : TimeSpan.Zero, RetryPeriod);
        }

        if (_call is not { Status: CallStatus.Accepted or CallStatus.Active })
        {
            _presenceTimer?.Dispose();
            _presenceTimer = null;
            _goneSince = null;
        }
        else
        {
            _presenceTimer ??= StartTimer(CheckPresenceAsync, TimeSpan.Zero, PresencePeriod);
        }
    }

    private IGrainTimer StartTimer(Func<Task> callback, TimeSpan due, TimeSpan period) =>
        this.RegisterGrainTimer(callback, new GrainTimerCreationOptions(due, period) { KeepAlive = true });

    private async Task CheckRingTimeAsync()
    {
        if (await TrySettleAsync() && _call is not null)
        {
            var call = new Call(_call);
            if (call.Expire(_time.GetUtcNow()))
            {
                // A store that is away is tried again at the timer's next tick.
                await TryCommitAsync(call);
            }
        }
    }

    private async Task CheckPresenceAsync()
    {
        if (!await TrySettleAsync() || _call is not { Status: CallStatus.Accepted or CallStatus.Active })
        {
            return;
        }

        foreach (var party in _call.Parties.Where(p => p.Status == CallPartyStatus.Joined))
        {
            if (await GrainFactory.GetGrain<IUserGrain>(party.UserId).IsConnectedAsync())
            {
                _goneSince = null;
                return;
            }
        }

        var now = _time.GetUtcNow();
        _goneSince ??= now;
        var left = _goneSince.Value + _options.GoneTimeout - now;
        if (left > TimeSpan.Zero)
        {
            _presenceTimer?.Change(left < PresencePeriod ? left : PresencePeriod, PresencePeriod);
            return;
        }

        var call = new Call(_call);
        if (call.PartiesGone(now))
        {
            await TryCommitAsync(call);
        }
    }

    /// <summary>A reminder that stays behind ends itself at its next tick.</summary>
    private async Task StopReminderAsync()
    {
        try
        {
            if (await this.GetReminder(ReminderName) is { } reminder)
            {
                await this.UnregisterReminder(reminder);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogReminderStays(_logger, e, this.GetPrimaryKey());
        }
    }

    [LoggerMessage(4214, LogLevel.Warning, "Call {Call}: the reminder could not be removed; it ends itself at its next tick")]
    private static partial void LogReminderStays(ILogger logger, Exception exception, Guid call);
}
