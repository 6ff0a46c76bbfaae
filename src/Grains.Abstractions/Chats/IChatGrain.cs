using Orleans.Concurrency;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Abstractions.Chats;

/// <summary>One chat, keyed by its id: its members, its messages in their one order, the call that runs in it, and the way to its history.</summary>
[Alias("vc.IChatGrain")]
public interface IChatGrain : IGrainWithGuidKey
{
    /// <summary>Makes the chat. The creator is a member.</summary>
    Task<Outcome<ChatInfo>> CreateAsync(Guid creatorId, Guid[] memberIds);

    /// <summary>Makes the chat with all that a session has. The creator is a member.</summary>
    Task<Outcome<ChatInfo>> CreateSessionAsync(NewChat request);

    /// <summary>Adds a member to a group, by another member. One who is in it already stays.</summary>
    Task<Outcome<ChatInfo>> AddMemberAsync(Guid byUserId, ChatUser user);

    /// <summary>
    /// Stores a message at the end. An id that the chat has already is answered with that message: repeating a request does no harm.
    /// This and what follows: NotFound for a chat that does not exist, Forbidden for strangers, Gone past the chat's time.
    /// </summary>
    [AlwaysInterleave]
    Task<Outcome<ChatMessage>> SendAsync(NewMessage message);

    /// <summary>Adds an attachment to a message; by its sender when no user is named. The same id again changes nothing.</summary>
    [AlwaysInterleave]
    Task<Outcome<ChatMessage>> AttachAsync(Guid? userId, Guid messageId, ChatAttachment attachment);

    /// <summary>Adds a reaction, one of a kind a user, or removes it. What is so already changes nothing and is no error.</summary>
    [AlwaysInterleave]
    Task<Outcome<ChatMessage>> ReactAsync(Guid messageId, ChatReaction reaction, bool removes);

    /// <summary>Messages, oldest first. Without a user for whoever knows the id, where the mode of the doors allows it.</summary>
    [AlwaysInterleave]
    Task<Outcome<ChatMessagePage>> GetMessagesAsync(Guid? userId, MessagePageRequest page);

    /// <summary>What the chat holds.</summary>
    [AlwaysInterleave]
    Task<Outcome<ChatUsage>> GetUsageAsync(Guid? userId);

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
/// <param name="MemberTexts">The members as their doors show them, in the order of the ids; null when the ids are all there is.</param>
/// <param name="ExpiresAt">When it is over; null for a chat without an end.</param>
[GenerateSerializer, Immutable, Alias("vc.ChatInfo")]
public sealed record ChatInfo(
    [property: Id(0)] Guid Id,
    [property: Id(1)] Guid CreatedBy,
    [property: Id(2)] Guid[] MemberIds,
    [property: Id(3)] DateTimeOffset CreatedAt,
    [property: Id(4)] Guid? ActiveCallId,
    [property: Id(5)] string[]? MemberTexts = null,
    [property: Id(6)] bool IsGroup = false,
    [property: Id(7)] DateTimeOffset? ExpiresAt = null)
{
    /// <summary>The members with the texts that their doors show.</summary>
    public ChatUser[] Members() => [.. MemberIds.Select((id, i) => new ChatUser(id, MemberTexts?[i] ?? id.ToString()))];
}

/// <summary>Which calls: older than a call of the chat, or than a time, or the newest.</summary>
[GenerateSerializer, Immutable, Alias("vc.CallPageRequest")]
public sealed record CallPageRequest(
    [property: Id(0)] Guid? BeforeCall, [property: Id(1)] DateTimeOffset? BeforeTime, [property: Id(2)] int Limit);

/// <summary>Calls, newest first.</summary>
[GenerateSerializer, Immutable, Alias("vc.CallPage")]
public sealed record CallPage([property: Id(0)] CallInfo[] Calls, [property: Id(1)] bool HasMore);
