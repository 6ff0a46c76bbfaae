using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Grains.Chats;
using VoiceCluster.Grains.Tests.Calls;

namespace VoiceCluster.Grains.Tests.Chats;

/// <summary>Chats that were stored when each kept a list of its calls.</summary>
public sealed class ChatHistoryTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly Guid _alice = Guid.NewGuid();
    private readonly Guid _bob = Guid.NewGuid();
    private CallCluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await CallCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task GetCallsAsync_ChatOfTheOldForm_HandsItsCallsOverOnce()
    {
        var chat = _cluster.Grains.GetGrain<IChatGrain>(Guid.NewGuid());
        var ended = Old(chat, CallStatus.Ended);

        // Of a call that was over when its chat could not be told, the call itself knows; of one that never began, nobody.
        var running = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        await WriteAsync(chat, new ChatState
        {
            Chat = new ChatInfo(chat.GetPrimaryKey(), _alice, [_alice, _bob], Now, null),
            Calls = [new ChatCall(ended.Id, ended), new ChatCall(running.Id, null), new ChatCall(Guid.NewGuid(), null)],
        });

        var page = await chat.GetCallsAsync(_bob, new CallPageRequest(null, null, 10));

        Assert.Equal(ended.Id, Assert.Single(page.Value!.Calls).Id);
        Assert.Equal([ended.Id, running.Id], _cluster.Store.Imported.Select(c => c.Id));
        GrainState<ChatState> stored = new();
        await _cluster.Store.ReadStateAsync("chat", chat.GetGrainId(), stored);
        Assert.Empty(stored.State.Calls);
        Assert.Equal([_alice, _bob], stored.State.Chat!.MemberIds);
        await _cluster.RestartAsync();
        await _cluster.Grains.GetGrain<IChatGrain>(chat.GetPrimaryKey()).GetAsync(_bob);
        Assert.Equal(2, _cluster.Store.Imported.Count);
    }

    private CallInfo Old(IChatGrain chat, CallStatus status) => new(
        Guid.NewGuid(),
        chat.GetPrimaryKey(),
        CallType.Voice,
        status,
        [new CallParty(_alice, CallPartyStatus.Left), new CallParty(_bob, CallPartyStatus.Left)],
        Now,
        Now.AddSeconds(30),
        null,
        null,
        Now.AddMinutes(1),
        CallEndReason.HungUp,
        _bob,
        3);

    private Task WriteAsync(IChatGrain chat, ChatState state) => _cluster.Store.WriteStateAsync("chat", chat.GetGrainId(), new GrainState<ChatState>(state));
}
