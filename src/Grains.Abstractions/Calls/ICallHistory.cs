using VoiceCluster.Abstractions.Chats;

namespace VoiceCluster.Abstractions.Calls;

/// <summary>
/// A grain state whose call is listed in its chat's history. A store with a history writes the call there in the same
/// transaction as the state, so that the two never differ.
/// </summary>
public interface ICallRecord
{
    /// <summary>The call as this state has it, or null before it began.</summary>
    CallInfo? Call { get; }
}

/// <summary>Every call of every chat, the running ones included, for as long as the store keeps them.</summary>
public interface ICallHistory
{
    /// <summary>
    /// Calls of a chat, newest first. A page begins right after the call that it names, so calls that come meanwhile
    /// neither repeat one nor skip one. Invalid when the named call is none of the chat.
    /// </summary>
    Task<Outcome<CallPage>> ReadAsync(Guid chatId, CallPageRequest page, CancellationToken cancellationToken);

    /// <summary>Takes in calls that an earlier version kept elsewhere. What is known already stays as it is.</summary>
    Task ImportAsync(IReadOnlyList<CallInfo> calls, CancellationToken cancellationToken);
}
