using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Grains.Tests.Calls;

namespace VoiceCluster.Grains.Tests.Chats;

public sealed class ChatMessageTests : IAsyncLifetime
{
    private static readonly ChatUser Ann = new(Guid.NewGuid(), "ann");
    private static readonly ChatUser Bob = new(Guid.NewGuid(), "bob");

    private readonly Guid _id = Guid.NewGuid();
    private CallCluster _cluster = null!;

    private IChatGrain Chat => _cluster.Grains.GetGrain<IChatGrain>(_id);

    public async Task InitializeAsync()
    {
        _cluster = await CallCluster.StartAsync();
        var made = await Chat.CreateSessionAsync(new NewChat(Ann, [Bob], false, TimeSpan.FromHours(1)));
        Assert.Null(made.Fault);
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Send_WhileACommitIsUnderWay_GoesIntoTheNextOneTogetherInOrder()
    {
        TaskCompletionSource gate = new();
        _cluster.Messages.Gate = gate.Task;
        var first = SendAsync("first");
        var others = Enumerable.Range(0, 50).Select(i => SendAsync($"{i}")).ToArray();
        await Eventually.HoldsAsync(async () => (await Chat.GetUsageAsync(null)).Value is { Messages: 0 }, "the chat answers meanwhile");
        gate.SetResult();
        Assert.All(await Task.WhenAll(others), o => Assert.Null(o.Fault));
        Assert.Equal(1, (await first).Value!.Position);

        Assert.InRange(_cluster.Messages.Commits, 2, 10);
        var read = await ReadAllAsync();
        Assert.Equal(51, read.Count);
        Assert.Equal(Enumerable.Range(1, 51).Select(i => (long)i), read.Select(m => m.Position));
        Assert.Equal(read.Count, read.DistinctBy(m => m.Id).Count());
        Assert.Equal(51, _cluster.Messages.Events.Count);
    }

    [Fact]
    public async Task Send_WhenTheAnswerOfTheStoreIsLost_IsStoredOnceAndAnswered()
    {
        _cluster.Messages.FailAfter = 1;
        var sent = await SendAsync("once");

        Assert.Null(sent.Fault);
        Assert.Equal("once", Assert.Single(await ReadAllAsync()).Text);
        Assert.Equal(2, (await SendAsync("twice")).Value!.Position);
    }

    [Fact]
    public async Task Send_WhileTheStoreIsAway_IsRefusedAndLaterStoredOnce()
    {
        NewMessage message = new(Guid.NewGuid(), Ann, null, ChatMessageType.Text, "again and again", MayBeRepeated: true);
        _cluster.Messages.FailBefore = 3;
        Assert.Equal(FaultCode.Unavailable, (await Chat.SendAsync(message)).Fault?.Code);

        var sent = await Chat.SendAsync(message);
        var again = await Chat.SendAsync(message);

        Assert.Equal((1, 1), (sent.Value!.Position, again.Value!.Position));
        Assert.Single(await ReadAllAsync());
        Assert.Equal(FaultCode.Conflict, (await Chat.SendAsync(message with { Sender = Bob })).Fault?.Code);
    }

    [Fact]
    public async Task Send_AfterTheSiloWasLost_GoesOnWhereTheLogEnds()
    {
        await SendAsync("before");
        await _cluster.RestartAsync();
        Assert.Equal(2, (await SendAsync("after")).Value!.Position);
        Assert.Equal(["before", "after"], (await ReadAllAsync()).Select(m => m.Text));
    }

    [Fact]
    public async Task Chat_PastItsTime_IsGoneAndStrangersAreForbidden()
    {
        Assert.Equal(FaultCode.Forbidden, (await Chat.GetMessagesAsync(Guid.NewGuid(), new MessagePageRequest(null, null, 10))).Fault?.Code);
        Assert.Equal(FaultCode.NotFound, (await _cluster.Grains.GetGrain<IChatGrain>(Guid.NewGuid()).GetUsageAsync(null)).Fault?.Code);
        _cluster.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(FaultCode.Gone, (await SendAsync("late")).Fault?.Code);
        Assert.Equal(FaultCode.Gone, (await Chat.GetMessagesAsync(Ann.UserId, new MessagePageRequest(null, null, 10))).Fault?.Code);
        Assert.Equal(FaultCode.Gone, (await Chat.GetUsageAsync(Ann.UserId)).Fault?.Code);
    }

    [Fact]
    public async Task AddMember_ToAChatOfTwo_IsRefused() =>
        Assert.Equal(FaultCode.Conflict, (await Chat.AddMemberAsync(Ann.UserId, new ChatUser(Guid.NewGuid(), "carol"))).Fault?.Code);

    private Task<Outcome<ChatMessage>> SendAsync(string text) => Chat.SendAsync(new NewMessage(Guid.NewGuid(), Ann, null, ChatMessageType.Text, text));

    private async Task<List<ChatMessage>> ReadAllAsync()
    {
        var page = await Chat.GetMessagesAsync(Bob.UserId, new MessagePageRequest(null, null, 500));
        Assert.False(page.Value!.HasMore);
        return [.. page.Value.Messages];
    }
}
