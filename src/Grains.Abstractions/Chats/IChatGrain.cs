using Orleans.Concurrency;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Abstractions.Chats;

/// <summary>One chat, keyed by its id: its members, the call that runs in it, and the way to its history.</summary>
[Alias("vc.IChatGrain")]
public interface IChatGrain : IGrainWithGuidKey
{
    /// <summary>Makes the chat. The creator is a member.</summary>
    Task<Outcome<ChatInfo>> CreateAsync(Guid creatorId, Guid[] memberIds);

    /// <summary>The chat, for a member. Others cannot tell it from one that does not exist: Forbidden.</summary>
    Task<Outcome<ChatInfo>> GetAsync(Guid userId);

    /// <summary>Takes the chat for a call among its members, or answers the claim that is in the way.</summary>
    Task<Outcome<ClaimResult>> TryEnterCallAsync(CallClaim claim);

    /// <summary>Gives the chat free if it is taken by this call: it is over, or never began.</summary>
    Task LeaveCallAsync(Guid callId);

    /// <summary>The chat's calls, newest first, for a member.</summary>
    [AlwaysInterleave]
    Task<Outcome<CallPage>> GetCallsAsync(Guid userId, CallPageRequest page);
}

/// <summary>A chat.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatInfo")]
public sealed record ChatInfo(
    [property: Id(0)] Guid Id,
    [property: Id(1)] Guid CreatedBy,
    [property: Id(2)] Guid[] MemberIds,
    [property: Id(3)] DateTimeOffset CreatedAt,
    [property: Id(4)] Guid? ActiveCallId);

/// <summary>Which calls: older than a call of the chat, or than a time, or the newest.</summary>
[GenerateSerializer, Immutable, Alias("vc.CallPageRequest")]
public sealed record CallPageRequest(
    [property: Id(0)] Guid? BeforeCall, [property: Id(1)] DateTimeOffset? BeforeTime, [property: Id(2)] int Limit);

/// <summary>Calls, newest first.</summary>
[GenerateSerializer, Immutable, Alias("vc.CallPage")]
public sealed record CallPage([property: Id(0)] CallInfo[] Calls, [property: Id(1)] bool HasMore);
