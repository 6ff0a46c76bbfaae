using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Notifications;

namespace VoiceCluster.Grains.Chats;

/// <summary>
/// The one writer of a chat's log. Requests that come while a commit is under way wait and go into the next one together, in
/// the order in which they came; the first of them carries it out. For one activation, whose turns do not overlap.
/// </summary>
internal sealed class ChatLog(Guid chatId, IChatMessageStore store, Func<Notification[], Task> tell)
{
    /// <summary>Writes of one commit at most, so that the first does not wait for ever.</summary>
    private const int MaxBatch = 512;

    /// <summary>Writes that may wait; more are refused at once, since they could not be served in time.</summary>
    private const int MaxWaiting = 8_192;

    /// <summary>How often a commit is tried whose end is unknown, or that another writer was before.</summary>
    private const int MaxTries = 3;

    private readonly List<Pending> _waiting = [];
    private readonly Dictionary<Guid, Task<WriteOutcome>> _messages = [];
    private ChatLogHead? _head;
    private bool _isWriting;

    /// <summary>The end of the log.</summary>
    public async Task<ChatLogHead> HeadAsync() => _head ??= await store.ReadHeadAsync(chatId, CancellationToken.None);

    /// <summary>Writes a message, made with the position that it gets. The same id while it is being written is one message.</summary>
    public Task<WriteOutcome> WriteMessageAsync(Guid messageId, Func<long, MessageWrite> make, Func<ChatWrite, Notification> news)
    {
        if (_messages.TryGetValue(messageId, out var underWay))
        {
            return underWay;
        }

        var written = WriteAsync(make, news);
        _messages[messageId] = written;
        return ForgetAsync(messageId, written);
    }

    /// <summary>Carries out a write; it is made anew, with another position, when another writer was before.</summary>
    public async Task<WriteOutcome> WriteAsync(Func<long, ChatWrite> make, Func<ChatWrite, Notification> news)
    {
        if (_waiting.Count >= MaxWaiting)
        {
            return new WriteOutcome(new Fault(FaultCode.Unavailable, "The chat has too much to write. Try again."), null, default);
        }

        Pending pending = new(make, news);
        _waiting.Add(pending);
        if (!_isWriting || !await pending.IsDone.Task)
        {
            _isWriting = true;
            await WriteBatchAsync();
        }

        return pending.Outcome!;
    }

    private async Task<WriteOutcome> ForgetAsync(Guid messageId, Task<WriteOutcome> written)
    {
        try
        {
            return await written;
        }
        finally
        {
            _messages.Remove(messageId);
        }
    }

    private async Task WriteBatchAsync()
    {
        Pending[] batch = [.. _waiting.Take(MaxBatch)];
        _waiting.RemoveRange(0, batch.Length);
        Fault? fault = null;
        try
        {
            fault = await CommitAsync(batch);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The store is away. What became of the commit is asked at the next one.
            _head = null;
            fault = new Fault(FaultCode.Unavailable, "The message cannot be stored now, or it is unknown whether it was. Try again with the same messageId.");
        }

        foreach (var pending in batch)
        {
            pending.Outcome ??= new WriteOutcome(fault, null, default);
            pending.IsDone.TrySetResult(true);
        }

        // Before the next commit, so that the news come in the log's order.
        Notification[] news = [.. batch.Where(p => p.Outcome is { Fault: null, Result: ChatWriteResult.Done }).Select(p => p.News(p.Outcome!.Write!))];
        if (news.Length > 0)
        {
            await tell(news);
        }

        // The next one in line does the next commit.
        _isWriting = _waiting.Count > 0;
        if (_isWriting)
        {
            _waiting[0].IsDone.SetResult(false);
        }
    }

    private async Task<Fault?> CommitAsync(Pending[] batch)
    {
        for (var i = 0; i < MaxTries; i++)
        {
            var head = await HeadAsync();
            var position = head.Messages;
            ChatWrite[] writes = [.. batch.Select(p => p.Make(position + 1) is MessageWrite message ? Next(message) : p.Make(position))];
            var commitId = Guid.NewGuid();
            ChatCommit? commit;
            try
            {
                commit = await store.CommitAsync(chatId, head, commitId, writes, CancellationToken.None);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // Unknown: the head tells. It waits for the commit, if that is still under way.
                _head = null;
                if ((await HeadAsync()).CommitId != commitId)
                {
                    continue;
                }

                // The messages are in; what became of attachments and reactions is asked by repeating them.
                commit = new ChatCommit(_head!, [.. writes.Select(_ => ChatWriteResult.Done)]);
            }

            _head = commit?.Head;
            if (commit is not null)
            {
                foreach (var (pending, write, result) in batch.Zip(writes, commit.Results))
                {
                    pending.Outcome = new WriteOutcome(null, write, result);
                }

                return null;
            }

            ChatWrite Next(MessageWrite message)
            {
                position++;
                return message;
            }
        }

        return new Fault(FaultCode.Unavailable, "The message cannot be stored now. Try again.");
    }

    private sealed class Pending(Func<long, ChatWrite> make, Func<ChatWrite, Notification> news)
    {
        public Func<long, ChatWrite> Make => make;

        public Func<ChatWrite, Notification> News => news;

        /// <summary>True when it was written, or not; false when its own request must carry out the next commit.</summary>
        public TaskCompletionSource<bool> IsDone { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public WriteOutcome? Outcome { get; set; }
    }
}

/// <summary>What became of a write; the write itself with the position that it got.</summary>
internal sealed record WriteOutcome(Fault? Fault, ChatWrite? Write, ChatWriteResult Result);
