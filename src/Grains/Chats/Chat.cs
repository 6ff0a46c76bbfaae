using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Chats;

/// <summary>The rules of a chat without any runtime: who is a member, and which calls it remembers.</summary>
public static class Chat
{
    /// <summary>A new chat. The creator is its first member.</summary>
    public static Outcome<ChatInfo> Create(Guid id, Guid creatorId, IEnumerable<Guid> memberIds, DateTimeOffset now, int maxMembers)
    {
        Guid[] members = [.. memberIds.Prepend(creatorId).Distinct()];
        if (members.Length < 2)
        {
            return new Fault(FaultCode.Invalid, "A chat needs a member beside its creator.");
        }

        return members.Length > maxMembers
            ? new Fault(FaultCode.Invalid, $"A chat has {maxMembers} members at most.")
            : new ChatInfo(id, creatorId, members, now, null);
    }

    /// <summary>Null when all users are members. A chat that does not exist has none.</summary>
    public static Fault? CheckMembers(ChatInfo? chat, params Guid[] userIds) =>
        chat is not null && userIds.All(chat.MemberIds.Contains) ? null : new Fault(FaultCode.Forbidden, "Not a member of the chat.");

    /// <summary>Remembers a call that begins.</summary>
    public static void Remember(ChatState state, CallClaim claim, int maxCalls)
    {
        state.Calls.RemoveAll(c => c.CallId == claim.CallId);
        state.Calls.Add(new ChatCall(claim.CallId, null));
        if (state.Calls.Count > maxCalls)
        {
            state.Calls.RemoveRange(0, state.Calls.Count - maxCalls);
        }
    }

    /// <summary>Remembers what a call came to. False when the chat has forgotten it or knows that already.</summary>
    public static bool Conclude(ChatState state, CallInfo call)
    {
        var index = state.Calls.FindIndex(c => c.CallId == call.Id && c.Final is null);
        if (index < 0)
        {
            return false;
        }

        state.Calls[index] = new ChatCall(call.Id, call);
        return true;
    }

    /// <summary>The remembered calls from the newest on, older than the named call if one is named.</summary>
    public static IEnumerable<ChatCall> From(ChatState state, Guid? beforeCall)
    {
        var end = beforeCall is { } id ? state.Calls.FindIndex(c => c.CallId == id) : state.Calls.Count;
        return state.Calls.Take(Math.Max(end, 0)).Reverse();
    }
}
