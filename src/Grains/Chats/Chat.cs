using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Chats;

namespace VoiceCluster.Grains.Chats;

/// <summary>The rules of a chat without any runtime: who is a member.</summary>
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
}
