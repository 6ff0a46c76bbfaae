using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Calls;

/// <summary>
/// Takes chat and users for a call and gives them back. A claim that a crash left behind does no harm: whoever holds it
/// asks the call that it is for, and a call that does not exist or is over has no claims.
/// </summary>
internal sealed partial class CallClaims(Guid callId, IGrainFactory grains, ILogger logger)
{
    private readonly List<Guid> _entered = [];

    /// <summary>What came of the attempt: a fault, the call in the way, or the recipients who are busy.</summary>
    public sealed record Result(Fault? Fault, Guid? ActiveCallId, IReadOnlyCollection<Guid> Busy);

    /// <summary>Takes everything that is free. After a fault or a call in the way nothing stays taken.</summary>
    public async Task<Result> EnterAsync(StartCall request)
    {
        var claim = new CallClaim(callId, [request.CallerId, .. request.RecipientIds]);
        var chat = await grains.GetGrain<IChatGrain>(request.ChatId).TryEnterCallAsync(claim);
        if (chat.Fault is { } fault)
        {
            return new Result(fault, null, []);
        }

        if (chat.Value!.Blocking is { } inChat)
        {
            return new Result(null, inChat.CallId, []);
        }

        List<Guid> busy = [];

        // The order of ids is the same for everybody: of two who call each other the one who takes the first user wins.
        foreach (var userId in claim.UserIds.Order())
        {
            var blocking = await TryEnterAsync(userId, claim, request, busy.Count > 0);
            if (blocking is null)
            {
                continue;
            }

            if (userId == request.CallerId || blocking.UserIds.Contains(request.CallerId))
            {
                await AbandonAsync(request.ChatId);
                return new Result(null, blocking.CallId, []);
            }

            busy.Add(userId);
        }

        return new Result(null, null, busy);
    }

    /// <summary>Gives everything back: the call never began.</summary>
    public async Task AbandonAsync(Guid chatId)
    {
        await FreeAsync(_entered);
        await TryAsync(() => grains.GetGrain<IChatGrain>(chatId).LeaveCallAsync(callId));
    }

    /// <summary>Gives the users free.</summary>
    public async Task FreeAsync(IEnumerable<Guid> userIds)
    {
        foreach (var userId in userIds)
        {
            await TryAsync(() => grains.GetGrain<IUserGrain>(userId).LeaveCallAsync(callId));
        }
    }

    /// <summary>Gives everything back: the call is over.</summary>
    public async Task ReleaseAsync(CallInfo call)
    {
        await FreeAsync(call.Parties.Select(p => p.UserId));
        await TryAsync(() => grains.GetGrain<IChatGrain>(call.ChatId).LeaveCallAsync(callId));
    }

    private async Task<CallClaim?> TryEnterAsync(Guid userId, CallClaim claim, StartCall request, bool isBusyAnyway)
    {
        var user = grains.GetGrain<IUserGrain>(userId);
        if (isBusyAnyway && request.RecipientIds.Length == 1)
        {
            // The only recipient is busy. The caller is not taken, so that a call of its own that is being set up can win.
            return (await user.PeekCallAsync()).Blocking;
        }

        var result = await user.TryEnterCallAsync(claim);
        if (result.Blocking is null)
        {
            _entered.Add(userId);
        }

        return result.Blocking;
    }

    private async Task TryAsync(Func<Task> release)
    {
        try
        {
            await release();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The holder finds out by itself: it asks the call before it turns anybody away.
            LogNotReleased(logger, e, callId);
        }
    }

    [LoggerMessage(4200, LogLevel.Warning, "Call {Call}: a claim could not be given back; its holder will ask")]
    private static partial void LogNotReleased(ILogger logger, Exception exception, Guid call);
}
