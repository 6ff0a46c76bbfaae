using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Notifications;

namespace VoiceCluster.Grains.Chats;

/// <summary>The chat's messages. What is answered is stored; who listens is told after that, in the log's order.</summary>
public sealed partial class ChatGrain
{
    private ChatLog Log => field ??= new ChatLog(this.GetPrimaryKey(), messages, TellAsync);

    /// <inheritdoc/>
    public async Task<Outcome<ChatMessage>> SendAsync(NewMessage message)
    {
        if (Check(message.Sender.UserId) is { } fault)
        {
            return fault;
        }

        if (message.Text.Length > chatOptions.Value.MaxTextLength)
        {
            return new Fault(FaultCode.Invalid, $"A message has {chatOptions.Value.MaxTextLength} characters at most.");
        }

        if (message.Receiver is { } receiver && !store.State.Chat!.MemberIds.Contains(receiver.UserId))
        {
            return new Fault(FaultCode.Invalid, "The receiver is no participant of the chat.");
        }

        if (message.MayBeRepeated && await FindAsync(message.MessageId) is { } known)
        {
            return known.Sender.UserId == message.Sender.UserId ? known : IdTaken();
        }

        var now = time.GetUtcNow();
        var outcome = await Log.WriteMessageAsync(
            message.MessageId,
            position => new MessageWrite(
                new ChatMessage(message.MessageId, position, message.Sender, message.Receiver, message.Type, message.Text, now, [], []),
                EventEnvelope.ToOutbox(new ChatMessageCreatedEvent(
                    Guid.CreateVersion7(now),
                    now,
                    this.GetPrimaryKey(),
                    message.MessageId,
                    position,
                    message.Sender.UserId,
                    message.Receiver?.UserId,
                    message.Type,
                    message.Text))),
            write => new ChatMessageNotification(this.GetPrimaryKey(), ((MessageWrite)write).Message));
        if (outcome.Fault is { } failed)
        {
            return failed;
        }

        var stored = ((MessageWrite)outcome.Write!).Message;
        return stored.Sender.UserId == message.Sender.UserId ? stored : IdTaken();
    }

    /// <inheritdoc/>
    public async Task<Outcome<ChatMessage>> AttachAsync(Guid? userId, Guid messageId, ChatAttachment attachment)
    {
        if (Check(userId) is { } fault)
        {
            return fault;
        }

        if (await FindAsync(messageId) is not { } message)
        {
            return NoMessage();
        }

        var byUserId = userId ?? message.Sender.UserId;

        var now = time.GetUtcNow();
        var added = new ChatAttachmentAddedEvent(
            Guid.CreateVersion7(now),
            now,
            this.GetPrimaryKey(),
            messageId,
            attachment.Id,
            byUserId,
            attachment.Type,
            attachment.Url,
            attachment.Name,
            attachment.Size,
            attachment.MimeType);
        var limit = chatOptions.Value.MaxAttachments;
        return await AmendAsync(
            new AttachmentWrite(messageId, byUserId, attachment, limit, EventEnvelope.ToOutbox(added)),
            messageId,
            $"A message has {limit} attachments at most.",
            new ChatAttachmentNotification(this.GetPrimaryKey(), messageId, attachment));
    }

    /// <inheritdoc/>
    public async Task<Outcome<ChatMessage>> ReactAsync(Guid messageId, ChatReaction reaction, bool removes)
    {
        if (Check(reaction.User.UserId) is { } fault)
        {
            return fault;
        }

        var now = time.GetUtcNow();
        var changed = new ChatReactionEvent(
            Guid.CreateVersion7(now),
            removes ? EventTypes.ChatReactionRemoved : EventTypes.ChatReactionAdded,
            now,
            this.GetPrimaryKey(),
            messageId,
            reaction.User.UserId,
            reaction.Type);
        var limit = chatOptions.Value.MaxReactions;
        return await AmendAsync(
            new ReactionWrite(messageId, reaction, removes, limit, EventEnvelope.ToOutbox(changed)),
            messageId,
            $"A message has {limit} reactions at most.",
            new ChatReactionNotification(this.GetPrimaryKey(), messageId, reaction, removes));
    }

    /// <inheritdoc/>
    public async Task<Outcome<ChatMessagePage>> GetMessagesAsync(Guid? userId, MessagePageRequest page)
    {
        if (Check(userId) is { } fault)
        {
            return fault;
        }

        var most = chatOptions.Value.MaxPage;
        if (page.Limit < 1 || page.Limit > most)
        {
            return new Fault(FaultCode.Invalid, $"limit must be 1 to {most}.");
        }

        if (page is { Before: not null, After: not null })
        {
            return new Fault(FaultCode.Invalid, "A page lies before a message or after one, not both.");
        }

        // What is being written has no place in a page before it is stored.
        var last = (await Log.HeadAsync()).Messages;
        var (first, end) = (Math.Max(1, last - page.Limit + 1), last);
        if ((page.Before ?? page.After) is { } cursor)
        {
            if (await messages.FindAsync(this.GetPrimaryKey(), cursor, CancellationToken.None) is not { } position)
            {
                return new Fault(FaultCode.Invalid, $"{(page.Before is null ? "after" : "before")} is no message of this chat.");
            }

            (first, end) = page.Before is not null
                ? (Math.Max(1, position - page.Limit), position - 1)
                : (position + 1, Math.Min(last, position + page.Limit));
        }

        if (end < first)
        {
            return new ChatMessagePage([], false);
        }

        var read = await messages.ReadAsync(this.GetPrimaryKey(), first, end, CancellationToken.None);
        return new ChatMessagePage([.. read], page.After is null ? first > 1 : end < last);
    }

    /// <inheritdoc/>
    public async Task<Outcome<ChatUsage>> GetUsageAsync(Guid? userId)
    {
        if (Check(userId) is { } fault)
        {
            return fault;
        }

        var head = await Log.HeadAsync();
        return new ChatUsage(store.State.Chat!, head.Messages, head.Attachments, head.Reactions, head.TextBytes, head.LastMessageAt);
    }

    private static Fault NoMessage() => new(FaultCode.NotFound, "There is no such message in the chat.");

    private static Fault IdTaken() => new(FaultCode.Conflict, "The messageId belongs to another message.");

    /// <summary>Null when the chat lives and the user is a member of it; without a user, when it lives.</summary>
    private Fault? Check(Guid? userId) => Chat.CheckOpen(store.State.Chat, userId, time.GetUtcNow());

    private async Task<Outcome<ChatMessage>> AmendAsync(ChatWrite write, Guid messageId, string tooMany, Notification notification)
    {
        var outcome = await Log.WriteAsync(_ => write, _ => notification);
        if (outcome.Fault is { } failed)
        {
            return failed;
        }

        switch (outcome.Result)
        {
            case ChatWriteResult.NoMessage:
                return NoMessage();
            case ChatWriteResult.TooMany:
                return new Fault(FaultCode.Full, tooMany);
        }

        return (await FindAsync(messageId))!;
    }

    private async Task<ChatMessage?> FindAsync(Guid messageId) =>
        await messages.FindAsync(this.GetPrimaryKey(), messageId, CancellationToken.None) is { } position
            ? (await messages.ReadAsync(this.GetPrimaryKey(), position, position, CancellationToken.None)).Single()
            : null;

    private async Task TellAsync(Notification[] news)
    {
        foreach (var member in store.State.Chat!.MemberIds)
        {
            await GrainFactory.GetGrain<INotificationsGrain>(member).PushAsync(news);
        }
    }
}
