using System.Collections.Concurrent;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Storage.Tests;

/// <summary>What every store of chat messages keeps; each database runs the same tests.</summary>
public abstract class ChatMessagesContract
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly ChatUser Ann = new(Guid.NewGuid(), "ann \u00fc");
    private static readonly ChatUser Bob = new(Guid.NewGuid(), "bob");

    private readonly Guid _chat = Guid.NewGuid();

    /// <summary>The store under test, empty at the start of each test, with an outbox.</summary>
    protected abstract IChatMessageStore Messages { get; }

    /// <summary>The same database's outbox.</summary>
    protected abstract IOutboxStore Outbox { get; }

    [Fact]
    public async Task Head_OfAChatWithoutMessages_IsEmpty()
    {
        Assert.Equal(ChatLogHead.Empty, await Messages.ReadHeadAsync(_chat, default));
        Assert.Empty(await Messages.ReadAsync(_chat, 1, 100, default));
        Assert.Null(await Messages.FindAsync(_chat, Guid.NewGuid(), default));
    }

    [Fact]
    public async Task Commit_OfMessagesAndWhatBelongsToThem_IsReadAsItWasWritten()
    {
        var first = Message(1) with { Text = "Gr\u00fc\u00dfe \ud83d\udc4b\r\n\"'" };
        var second = Message(2) with { Receiver = Bob, Type = ChatMessageType.Image };
        var picture = new ChatAttachment(Guid.NewGuid(), "image", "https://example.com/a.jpg", "a.jpg", 1_024_000, "image/jpeg");
        var file = new ChatAttachment(Guid.NewGuid(), "file", "https://example.com/b", null, null, null);
        ChatReaction[] reactions = [new(Bob, "\ud83d\udc4d", Start), new(Ann, "\ud83d\udc4d", Start.AddTicks(1)), new(Bob, "heart", Start.AddSeconds(2))];

        var commit = await CommitAsync(
            ChatLogHead.Empty,
            [Write(first), Write(second), Attach(second.Id, picture), Attach(second.Id, file), .. reactions.Select(r => React(first.Id, r))]);

        Assert.All(commit!.Results, r => Assert.Equal(ChatWriteResult.Done, r));
        var read = await Messages.ReadAsync(_chat, 1, 2, default);
        Assert.Equal([Flat(first with { Reactions = reactions }), Flat(second with { Attachments = [picture, file] })], read.Select(Flat));
        Assert.Equal(commit.Head, await Messages.ReadHeadAsync(_chat, default));
        Assert.Equal((2, 2, 3, second.SentAt), (commit.Head.Messages, commit.Head.Attachments, commit.Head.Reactions, commit.Head.LastMessageAt));
        Assert.Equal(System.Text.Encoding.UTF8.GetByteCount(first.Text) + second.Text.Length, commit.Head.TextBytes);
        Assert.Equal(2, await Messages.FindAsync(_chat, second.Id, default));
        Assert.Null(await Messages.FindAsync(Guid.NewGuid(), second.Id, default));
    }

    [Fact]
    public async Task Commit_OnAnOldHead_DoesNothing()
    {
        var commit = await CommitAsync(ChatLogHead.Empty, [Write(Message(1))]);

        Assert.Null(await CommitAsync(ChatLogHead.Empty, [Write(Message(1))]));
        Assert.Null(await CommitAsync(commit!.Head with { CommitId = Guid.NewGuid() }, [Write(Message(2))]));
        Assert.Equal(commit.Head, await Messages.ReadHeadAsync(_chat, default));
        Assert.Single(await Outbox.ReadPendingAsync(0, 10, default));
    }

    [Fact]
    public async Task Commit_OfWhatIsSoAlready_ChangesNothingAndTellsNobody()
    {
        var message = Message(1);
        var attachment = new ChatAttachment(Guid.NewGuid(), "file", "https://example.com/", null, null, null);
        var head = (await CommitAsync(ChatLogHead.Empty, [Write(message), React(message.Id, new(Bob, "+1", Start)), Attach(message.Id, attachment)]))!.Head;
        var told = (await Outbox.ReadPendingAsync(0, 100, default)).Count;

        var again = await CommitAsync(
            head,
            [
                React(message.Id, new(Bob, "+1", Start.AddHours(1))),
                Attach(message.Id, attachment),
                React(Guid.NewGuid(), new(Bob, "+1", Start)),
                Attach(Guid.NewGuid(), attachment with { Id = Guid.NewGuid() }),
                React(message.Id, new(Ann, "+1", Start), limit: 1),
                Attach(message.Id, attachment with { Id = Guid.NewGuid() }, limit: 1),
                React(message.Id, new(Ann, "+1", Start), removes: true),
                React(message.Id, new(Bob, "+1", Start), removes: true),
                React(message.Id, new(Bob, "+1", Start), removes: true),
            ]);

        Assert.Equal(
            [
                ChatWriteResult.Unchanged, ChatWriteResult.Unchanged, ChatWriteResult.NoMessage, ChatWriteResult.NoMessage, ChatWriteResult.TooMany,
                ChatWriteResult.TooMany, ChatWriteResult.Unchanged, ChatWriteResult.Done, ChatWriteResult.Unchanged,
            ],
            again!.Results);
        Assert.Equal((1, 1, 0), (again.Head.Messages, again.Head.Attachments, again.Head.Reactions));
        Assert.Equal(told + 1, (await Outbox.ReadPendingAsync(0, 100, default)).Count);
    }

    [Fact]
    public async Task Commit_ThatFails_LeavesNothingBehind()
    {
        var message = Message(1);
        var head = (await CommitAsync(ChatLogHead.Empty, [Write(message)]))!.Head;

        await Assert.ThrowsAnyAsync<Exception>(() => CommitAsync(head, [Write(Message(2)), Write(message with { Position = 3 })]));

        Assert.Equal(head, await Messages.ReadHeadAsync(_chat, default));
        Assert.Single(await Messages.ReadAsync(_chat, 1, 10, default));
        Assert.Single(await Outbox.ReadPendingAsync(0, 10, default));
    }

    [Fact]
    public async Task Commit_OfTwoWritersAtOnce_GivesEachPositionOnce()
    {
        ConcurrentBag<Guid> written = [];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 25;)
            {
                var head = await Messages.ReadHeadAsync(_chat, default);
                var message = Message((int)head.Messages + 1);
                if (await CommitAsync(head, [Write(message)]) is not null)
                {
                    written.Add(message.Id);
                    i++;
                }
            }
        })));

        var read = await Messages.ReadAsync(_chat, 1, 1_000, default);
        Assert.Equal(Enumerable.Range(1, 100).Select(i => (long)i), read.Select(m => m.Position));
        Assert.Equal(written.Order(), read.Select(m => m.Id).Order());
    }

    [Fact]
    public async Task Events_OfACommit_StandInTheOutboxInTheirOrder()
    {
        ChatWrite[] writes = [.. Enumerable.Range(1, 20).Select(i => Write(Message(i)))];
        await CommitAsync(ChatLogHead.Empty, writes);

        Assert.Equal(writes.Select(w => w.Event!.Id), (await Outbox.ReadPendingAsync(0, 100, default)).Select(e => e.Event.Id));
    }

    private static ChatMessage Message(int position) => new(
        Guid.NewGuid(), position, Ann, null, ChatMessageType.Text, $"message {position}", Start.AddTicks(position), [], []);

    private static OutboxEvent News() => new(Guid.NewGuid(), "chat.message.created", "chat", "{}"u8.ToArray());

    private static MessageWrite Write(ChatMessage message) => new(message, News());

    private static AttachmentWrite Attach(Guid messageId, ChatAttachment attachment, int limit = 10) => new(messageId, Ann.UserId, attachment, limit, News());

    private static ReactionWrite React(Guid messageId, ChatReaction reaction, bool removes = false, int limit = 10) => new(messageId, reaction, removes, limit, News());

    /// <summary>Records compare their arrays by reference.</summary>
    private static string Flat(ChatMessage message)
    {
        var bare = message with { Attachments = [], Reactions = [] };
        return $"{bare} {string.Join<ChatAttachment>(',', message.Attachments)} {string.Join<ChatReaction>(',', message.Reactions)}";
    }

    private Task<ChatCommit?> CommitAsync(ChatLogHead head, IReadOnlyList<ChatWrite> writes) => Messages.CommitAsync(_chat, head, Guid.NewGuid(), writes, default);
}
