using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;

namespace VoiceCluster.Grains.Calls;

/// <summary>
/// Writes whose outcome is unknown. A store that goes away during a commit may have taken it all the same. Whoever asked was
/// told to try again; before the next change, and every two seconds, the store is asked which it was.
/// </summary>
public sealed partial class CallGrain
{
    private (Call Call, Answer? Answer)? _doubt;
    private Answer? _confirmed;
    private IGrainTimer? _doubtTimer;

    private void Doubt(Call call, Answer? answer)
    {
        _doubt = (call, answer);
        _doubtTimer ??= StartTimer(async () => await TrySettleAsync(), RetryPeriod, RetryPeriod);
    }

    /// <summary>True when the call is known to be as it is stored.</summary>
    private async Task<bool> TrySettleAsync()
    {
        if (_doubt is not { } doubt)
        {
            return true;
        }

        try
        {
            await _store.ReadStateAsync();
        }
        catch (Exception e)
        {
            LogStillAway(_logger, e, this.GetPrimaryKey());
            return false;
        }

        _doubt = null;
        _doubtTimer?.Dispose();
        _doubtTimer = null;
        var stored = _store.State.Call;
        if (!IsSame(stored, doubt.Call.Info))
        {
            _call = stored;
            KeepTime();
            return true;
        }

        LogTaken(_logger, doubt.Call.Info.Id, doubt.Call.Info.Status);
        if (_call is null)
        {
            // The caller was told that there is no call, and nobody else of it: it ends before anybody hears of it.
            _call = stored;
            Call unwanted = new(stored!);
            unwanted.Hangup(stored!.CallerId, _time.GetUtcNow());
            return unwanted.Events.Count == 0 || await TryCommitAsync(unwanted);
        }

        _confirmed = doubt.Answer;
        await ConcludeAsync(doubt.Call, doubt.Answer);
        return true;
    }

    /// <summary>The device that was told to try again tries again, and had won after all.</summary>
    private CallInfo? TakeConfirmed(Guid userId, CallOrigin origin)
    {
        if (_confirmed is not { } answer || answer.UserId != userId || answer.Origin != origin || _call is not { IsOver: false })
        {
            return null;
        }

        _confirmed = null;
        return _call;
    }

    /// <summary>The version alone could be another activation's.</summary>
    private static bool IsSame(CallInfo? stored, CallInfo written) => stored is not null
        && stored.Parties.AsSpan().SequenceEqual(written.Parties)
        && stored with { Parties = written.Parties } == written;

    [LoggerMessage(4215, LogLevel.Warning, "Call {Call}: the store is still away; whether the last change was stored is not known yet")]
    private static partial void LogStillAway(ILogger logger, Exception exception, Guid call);

    [LoggerMessage(4216, LogLevel.Information, "Call {Call}: the store had taken {Status} although it gave no answer")]
    private static partial void LogTaken(ILogger logger, Guid call, CallStatus status);

    /// <summary>Which device of a user answers.</summary>
    private sealed record Answer(Guid UserId, CallOrigin Origin);
}
