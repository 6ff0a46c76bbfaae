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

    /// <summary>A new chat with all that a session has.</summary>
    public static Outcome<ChatInfo> Create(Guid id, NewChat request, DateTimeOffset now, int maxMembers, TimeSpan maxDuration)
    {
        if (request.Duration is { } duration && (duration <= TimeSpan.Zero || duration > maxDuration))
        {
            return new Fault(FaultCode.Invalid, $"A chat lasts more than nothing and {maxDuration.TotalDays:0.##} days at most.");
        }

        var created = Create(id, request.Creator.UserId, request.Members.Select(m => m.UserId), now, maxMembers);
        if (created.Fault is not null)
        {
            return created;
        }

        var chat = created.Value!;
        if (!request.IsGroup && chat.MemberIds.Length > 2)
        {
            return new Fault(FaultCode.Invalid, "A chat of more than two is a group.");
        }

        var texts = request.Members.Prepend(request.Creator).DistinctBy(m => m.UserId).Select(m => m.Text);
        return chat with { MemberTexts = [.. texts], IsGroup = request.IsGroup, ExpiresAt = now + request.Duration };
    }

    /// <summary>One more member of a group, or the same chat when the user is in it.</summary>
    public static Outcome<ChatInfo> AddMember(ChatInfo chat, ChatUser user, int maxMembers)
    {
        if (chat.MemberIds.Contains(user.UserId))
        {
            return chat;
        }

        if (!chat.IsGroup)
        {
            return new Fault(FaultCode.Conflict, "The chat is no group: nobody can be added.");
        }

        return chat.MemberIds.Length >= maxMembers
            ? new Fault(FaultCode.Full, $"A chat has {maxMembers} members at most.")
            : chat with
            {
                MemberIds = [.. chat.MemberIds, user.UserId],
                MemberTexts = [.. chat.Members().Select(m => m.Text), user.Text],
            };
    }

    /// <summary>Null when the chat exists, its time is not over, and the user, if one is named, is a member.</summary>
    public static Fault? CheckOpen(ChatInfo? chat, Guid? userId, DateTimeOffset now)
    {
        if (chat is null)
        {
            return new Fault(FaultCode.NotFound, "There is no such chat.");
        }

        if (userId is { } id && !chat.MemberIds.Contains(id))
        {
            return new Fault(FaultCode.Forbidden, "Not a participant of the chat.");
        }

        return now >= chat.ExpiresAt ? new Fault(FaultCode.Gone, "The chat's time is over.") : null;
    }

    /// <summary>Null when all users are members. A chat that does not exist has none.</summary>
    public static Fault? CheckMembers(ChatInfo? chat, params Guid[] userIds) =>
        chat is not null && userIds.All(chat.MemberIds.Contains) ? null : new Fault(FaultCode.Forbidden, "Not a member of the chat.");
}
