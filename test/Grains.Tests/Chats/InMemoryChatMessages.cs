using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Grains.Tests.Chats;

/// <summary>Chat messages that outlive a silo, and a store that fails on demand, before or after it has done its work.</summary>
internal sealed class InMemoryChatMessages : IChatMessageStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, (ChatLogHead Head, List<ChatMessage> Messages)> _logs = [];

    /// <summary>Commits so far; fewer than writes where they are grouped.</summary>
    public int Commits { get; private set; }

    /// <summary>Events of writes that changed something.</summary>
    public List<OutboxEvent> Events { get; } = [];

    /// <summary>While set, each commit waits for it.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>How many commits fail without having happened.</summary>
    public int FailBefore { get; set; }

    /// <summary>How many commits fail although they have happened.</summary>
    public int FailAfter { get; set; }

    public Task<ChatLogHead> ReadHeadAsync(Guid chatId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult(_logs.TryGetValue(chatId, out var log) ? log.Head : ChatLogHead.Empty);
        }
    }

    public async Task<ChatCommit?> CommitAsync(
        Guid chatId, ChatLogHead head, Guid commitId, IReadOnlyList<ChatWrite> writes, CancellationToken cancellationToken)
    {
        await Gate;
        lock (_lock)
        {
            if (FailBefore > 0)
            {
                FailBefore--;
                throw new IOException("The store is away.");
            }

            var (stored, messages) = _logs.TryGetValue(chatId, out var log) ? log : (ChatLogHead.Empty, []);
            if (stored.Version != head.Version || stored.CommitId != head.CommitId)
            {
                return null;
            }

            ChatWriteResult[] results = [.. writes.Select(w => Write(messages, w))];
            Events.AddRange(writes.Zip(results).Where(w => w.Second == ChatWriteResult.Done).Select(w => w.First.Event!));
            var next = new ChatLogHead(
                stored.Version + 1,
                commitId,
                messages.Count,
                messages.Sum(m => m.Attachments.Length),
                messages.Sum(m => m.Reactions.Length),
                messages.Sum(m => m.Text.Length),
                messages.LastOrDefault()?.SentAt);
            _logs[chatId] = (next, messages);
            Commits++;
            if (FailAfter > 0)
            {
                FailAfter--;
                throw new IOException("The answer is lost.");
            }

            return new ChatCommit(next, results);
        }
    }

    public Task<IReadOnlyList<ChatMessage>> ReadAsync(Guid chatId, long first, long last, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<ChatMessage>>([.. _logs[chatId].Messages.Where(m => m.Position >= first && m.Position <= last)]);
        }
    }

    public Task<long?> FindAsync(Guid chatId, Guid messageId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult(_logs.TryGetValue(chatId, out var log) ? log.Messages.Find(m => m.Id == messageId)?.Position : null);
        }
    }

    private static ChatWriteResult Write(List<ChatMessage> messages, ChatWrite write)
    {
        if (write is MessageWrite { Message: var message })
        {
            Assert.Equal(messages.Count + 1, message.Position);
            messages.Add(message);
            return ChatWriteResult.Done;
        }

        var id = write is AttachmentWrite attach ? attach.MessageId : ((ReactionWrite)write).MessageId;
        var at = messages.FindIndex(m => m.Id == id);
        if (at < 0)
        {
            return ChatWriteResult.NoMessage;
        }

        if (write is AttachmentWrite { Attachment: var attachment })
        {
            messages[at] = messages[at] with { Attachments = [.. messages[at].Attachments, attachment] };
            return ChatWriteResult.Done;
        }

        var react = (ReactionWrite)write;
        var same = Array.Find(messages[at].Reactions, r => r.User == react.Reaction.User && r.Type == react.Reaction.Type);
        if (react.Removes == (same is null))
        {
            return ChatWriteResult.Unchanged;
        }

        messages[at] = messages[at] with
        {
            Reactions = react.Removes ? [.. messages[at].Reactions.Where(r => r != same)] : [.. messages[at].Reactions, react.Reaction],
        };
        return ChatWriteResult.Done;
    }
}
