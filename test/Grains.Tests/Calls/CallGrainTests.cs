using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Tests.Calls;

public sealed class CallGrainTests : IAsyncLifetime
{
    private static readonly TimeSpan RingTime = TimeSpan.FromSeconds(30);
    private readonly Guid _alice = Guid.Parse("00000000-0000-0000-0000-00000000000a");
    private readonly Guid _bob = Guid.Parse("00000000-0000-0000-0000-00000000000b");
    private readonly Guid _carol = Guid.Parse("00000000-0000-0000-0000-00000000000c");
    private readonly CallOrigin _phone = new("d:phone", null);
    private CallCluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await CallCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task StartAsync_TwoDevicesOfTheCallee_BothRing()
    {
        var phone = await _cluster.ConnectAsync(_bob);
        var laptop = await _cluster.ConnectAsync(_bob, "d:laptop");

        await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);

        await Eventually.HoldsAsync(() => phone.Seen.Changes is [CallChange.Ringing] && laptop.Seen.Changes is [CallChange.Ringing], "both ring");
    }

    [Fact]
    public async Task ConnectAsync_WhileItRings_IsToldAtOnce()
    {
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);

        var late = await _cluster.ConnectAsync(_bob);

        await Eventually.HoldsAsync(() => late.Seen.Notices is [CallChanged { Change: CallChange.Ringing } c] && c.Call.Id == call.Id, "it rings");
        GC.KeepAlive(late);
    }

    [Fact]
    public async Task AcceptAsync_FiftyAtOnce_ExactlyOneWins()
    {
        var alice = await _cluster.ConnectAsync(_alice);
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i =>
            Task.Run(() => _cluster.Call(call.Id).AcceptAsync(_bob, new CallOrigin($"d:{i}", null)))));

        Assert.Single(answers, a => a.Fault is null);
        Assert.Equal(49, answers.Count(a => a.Fault?.Code == FaultCode.Conflict));
        await Eventually.HoldsAsync(() => alice.Seen.Changes.Contains(CallChange.Accepted), "the caller is told");
        Assert.Single(alice.Seen.Changes, CallChange.Accepted);
    }

    [Fact]
    public async Task AcceptAsync_OnOneOfThreeDevices_TheOthersHearAnsweredElsewhere()
    {
        var phone = await _cluster.ConnectAsync(_bob);
        var laptop = await _cluster.ConnectAsync(_bob, "d:laptop");
        var tablet = await _cluster.ConnectAsync(_bob, "d:tablet");
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);

        await _cluster.Call(call.Id).AcceptAsync(_bob, new CallOrigin("d:laptop", laptop.Connection.Id));

        await Eventually.HoldsAsync(
            () => phone.Seen.Changes.Contains(CallChange.AnsweredElsewhere) && tablet.Seen.Changes.Contains(CallChange.AnsweredElsewhere),
            "the others stop ringing");
        Assert.DoesNotContain(CallChange.AnsweredElsewhere, laptop.Seen.Changes);
    }

    [Fact]
    public async Task RingTimer_TimePasses_MissedOnce()
    {
        var alice = await _cluster.ConnectAsync(_alice);
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);

        // The door renews the connection on the way, else its lease runs out first.
        _cluster.Time.Advance(RingTime / 2);
        await _cluster.RenewAsync(_alice, alice);
        _cluster.Time.Advance(RingTime / 2);

        await Eventually.HoldsAsync(async () => await _cluster.StatusAsync(call.Id) == CallStatus.Missed, "missed");
        Assert.Equal(FaultCode.Gone, (await _cluster.Call(call.Id).AcceptAsync(_bob, _phone)).Fault?.Code);
        await Eventually.HoldsAsync(
            () => _cluster.Reminders.Count == 0 && alice.Seen.Changes.Contains(CallChange.Missed), "the caller is told, the reminder is gone");
        _cluster.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Single(alice.Seen.Changes, CallChange.Missed);
        Assert.Single(_cluster.Store.Commits, c => c.Status == CallStatus.Missed);
    }

    [Fact]
    public async Task RingTimer_JustBeforeTheEnd_StillRings()
    {
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);

        _cluster.Time.Advance(RingTime - TimeSpan.FromMilliseconds(1));

        Assert.Null((await _cluster.Call(call.Id).AcceptAsync(_bob, _phone)).Fault);
    }

    [Fact]
    public async Task RingTimer_SiloLostWhileRinging_FiresOnceByTheReminder()
    {
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        Assert.Equal(1, _cluster.Reminders.Count);
        await _cluster.RestartAsync();

        // In small steps: a leap would run past the time within which grains answer each other.
        await Eventually.HoldsAsync(
            () =>
            {
                _cluster.Time.Advance(TimeSpan.FromSeconds(1));
                return _cluster.Store.Commits.Any(c => c.Status == CallStatus.Missed);
            },
            "missed without anybody asking");
        await Eventually.HoldsAsync(() => _cluster.Reminders.Count == 0, "the reminder is gone");
        _cluster.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Single(_cluster.Store.Commits, c => c.Id == call.Id && c.Status == CallStatus.Missed);
    }

    [Fact]
    public async Task RingTimer_StoreAwayWhenDue_TriesAgainUntilItIsBack()
    {
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        _cluster.Store.IsAway = true;
        _cluster.Time.Advance(RingTime);
        Assert.Equal(CallStatus.Ringing, await _cluster.StatusAsync(call.Id));
        _cluster.Store.IsAway = false;

        await Eventually.HoldsAsync(
            async () =>
            {
                _cluster.Time.Advance(TimeSpan.FromSeconds(1));
                return await _cluster.StatusAsync(call.Id) == CallStatus.Missed;
            },
            "missed once the store is back");
        Assert.Single(_cluster.Store.Commits, c => c.Status == CallStatus.Missed);
    }

    [Fact]
    public async Task AcceptAsync_StoreAway_HasNotHappened()
    {
        var alice = await _cluster.ConnectAsync(_alice);
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        _cluster.Store.IsAway = true;

        Assert.Equal(FaultCode.Unavailable, (await _cluster.Call(call.Id).AcceptAsync(_bob, _phone)).Fault?.Code);

        Assert.Equal(CallStatus.Ringing, await _cluster.StatusAsync(call.Id));
        Assert.Empty(alice.Seen.Changes);
        _cluster.Store.IsAway = false;
        Assert.Null((await _cluster.Call(call.Id).AcceptAsync(_bob, _phone)).Fault);
    }

    [Fact]
    public async Task StartAsync_StoreAway_LeavesNobodyTaken()
    {
        var chat = await _cluster.ChatAsync(_alice, _bob);
        _cluster.Store.IsReadOnly = true;
        Assert.Equal(FaultCode.Unavailable, (await _cluster.TryStartAsync(Guid.NewGuid(), chat, _alice, _bob)).Fault?.Code);
        _cluster.Store.IsReadOnly = false;

        await _cluster.StartCallAsync(chat, _alice, _bob);
    }

    [Fact]
    public async Task StartAsync_ClaimsOfACallThatNeverBegan_AreDisproved()
    {
        var chat = await _cluster.ChatAsync(_alice, _bob);
        CallClaim lost = new(Guid.NewGuid(), [_alice, _bob]);
        Assert.Null((await _cluster.Grains.GetGrain<IUserGrain>(_alice).TryEnterCallAsync(lost)).Blocking);
        Assert.Null((await _cluster.Grains.GetGrain<IChatGrain>(chat).TryEnterCallAsync(lost)).Value!.Blocking);
        await _cluster.RestartAsync();

        await _cluster.StartCallAsync(chat, _alice, _bob);
    }

    [Fact]
    public async Task StartAsync_ChatHasACall_NamesIt()
    {
        var chat = await _cluster.ChatAsync(_alice, _bob, _carol);
        var call = await _cluster.StartCallAsync(chat, _alice, _bob);

        var second = await _cluster.TryStartAsync(Guid.NewGuid(), chat, _carol, _bob);

        Assert.Equal(call.Id, second.Value!.ActiveCallId);
    }

    [Fact]
    public async Task StartAsync_CallerInACallOfAnotherChat_NamesIt()
    {
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);

        var second = await _cluster.TryStartAsync(Guid.NewGuid(), await _cluster.ChatAsync(_alice, _carol), _alice, _carol);

        Assert.Equal(call.Id, second.Value!.ActiveCallId);
    }

    [Fact]
    public async Task StartAsync_CalleeInACallOfAnotherChat_IsBusyAndFreesTheCaller()
    {
        var carol = await _cluster.ConnectAsync(_carol);
        await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        var chat = await _cluster.ChatAsync(_carol, _bob);

        var busy = await _cluster.StartCallAsync(chat, _carol, _bob);

        Assert.Equal(CallStatus.Busy, busy.Status);
        await Eventually.HoldsAsync(() => carol.Seen.Changes is [CallChange.Busy], "the caller hears busy");
        Assert.Null((await _cluster.Grains.GetGrain<IUserGrain>(_carol).PeekCallAsync()).Blocking);
        Assert.Null((await _cluster.Grains.GetGrain<IChatGrain>(chat).GetAsync(_carol)).Value!.ActiveCallId);
    }

    [Fact]
    public async Task StartAsync_BusyAcrossRestart_IsRemembered()
    {
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        await _cluster.Call(call.Id).AcceptAsync(_bob, _phone);
        await _cluster.RestartAsync();

        var busy = await _cluster.StartCallAsync(await _cluster.ChatAsync(_carol, _bob), _carol, _bob);

        Assert.Equal(CallStatus.Busy, busy.Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task StartAsync_BothCallEachOtherAtOnce_OneCallWins(bool isSameChat)
    {
        for (var round = 0; round < 25; round++)
        {
            var first = Guid.NewGuid();
            var second = Guid.NewGuid();
            var chat = await _cluster.ChatAsync(first, second);
            var otherChat = isSameChat ? chat : await _cluster.ChatAsync(second, first);

            var started = await Task.WhenAll(
                Task.Run(() => _cluster.TryStartAsync(Guid.NewGuid(), chat, first, second)),
                Task.Run(() => _cluster.TryStartAsync(Guid.NewGuid(), otherChat, second, first)));

            var winner = Assert.Single(started, s => s.Value?.Call is { Status: CallStatus.Ringing });
            var loser = Assert.Single(started, s => s.Value?.Call is null);
            Assert.Equal(winner.Value!.Call!.Id, loser.Value!.ActiveCallId);
        }
    }

    [Fact]
    public async Task StartAsync_ManyUsersCallingAcross_NoDeadlockAndNoLeak()
    {
        Guid[] users = [.. Enumerable.Range(0, 6).Select(_ => Guid.NewGuid())];
        var chats = new Dictionary<(int, int), Guid>();
        for (var a = 0; a < users.Length; a++)
        {
            for (var b = 0; b < users.Length; b++)
            {
                if (a != b)
                {
                    chats[(a, b)] = await _cluster.ChatAsync(users[a], users[b]);
                }
            }
        }

        for (var round = 0; round < 5; round++)
        {
            var started = await Task.WhenAll(chats.Select(c => Task.Run(() =>
                _cluster.TryStartAsync(Guid.NewGuid(), c.Value, users[c.Key.Item1], users[c.Key.Item2]))));
            Assert.All(started, s => Assert.Null(s.Fault));
            var ringing = started.Where(s => s.Value!.Call is { IsOver: false }).Select(s => s.Value!.Call!).ToArray();
            var parties = ringing.SelectMany(c => c.Parties).Select(p => p.UserId).ToArray();
            Assert.NotEmpty(ringing);
            Assert.Equal(parties.Length, parties.Distinct().Count());
            await Task.WhenAll(ringing.Select(c => _cluster.Call(c.Id).HangupAsync(c.CallerId)));
        }

        foreach (var user in users)
        {
            Assert.Null((await _cluster.Grains.GetGrain<IUserGrain>(user).PeekCallAsync()).Blocking);
        }
    }

    [Fact]
    public async Task StartAsync_StrangerOrUnknownChat_IsForbidden()
    {
        var chat = await _cluster.ChatAsync(_alice, _bob);

        Assert.Equal(FaultCode.Forbidden, (await _cluster.TryStartAsync(Guid.NewGuid(), chat, _carol, _bob)).Fault?.Code);
        Assert.Equal(FaultCode.Forbidden, (await _cluster.TryStartAsync(Guid.NewGuid(), chat, _alice, _carol)).Fault?.Code);
        Assert.Equal(FaultCode.Forbidden, (await _cluster.TryStartAsync(Guid.NewGuid(), Guid.NewGuid(), _alice, _bob)).Fault?.Code);
        Assert.Equal(FaultCode.Invalid, (await _cluster.TryStartAsync(Guid.NewGuid(), chat, _alice, _alice)).Fault?.Code);
    }

    [Fact]
    public async Task GetCallsAsync_Pages_NewestFirstAndComplete()
    {
        var chat = await _cluster.ChatAsync(_alice, _bob);
        List<Guid> ids = [];
        for (var i = 0; i < 5; i++)
        {
            var call = await _cluster.StartCallAsync(chat, _alice, _bob);
            ids.Insert(0, call.Id);
            _cluster.Time.Advance(TimeSpan.FromSeconds(1));
            if (i < 4)
            {
                await _cluster.Call(call.Id).HangupAsync(_alice);
            }
        }

        var grain = _cluster.Grains.GetGrain<IChatGrain>(chat);
        var first = (await grain.GetCallsAsync(_bob, new CallPageRequest(null, null, 2))).Value!;
        var second = (await grain.GetCallsAsync(_bob, new CallPageRequest(first.Calls[^1].Id, null, 3))).Value!;
        var byTime = (await grain.GetCallsAsync(_bob, new CallPageRequest(null, first.Calls[^1].CreatedAt, 50))).Value!;

        Assert.Equal(ids, [.. first.Calls.Select(c => c.Id), .. second.Calls.Select(c => c.Id)]);
        Assert.True(first.HasMore);
        Assert.False(second.HasMore);
        Assert.Equal(CallStatus.Ringing, first.Calls[0].Status);
        Assert.All(second.Calls, c => Assert.Equal(CallEndReason.Cancelled, c.EndReason));
        Assert.Equal(ids[2..], byTime.Calls.Select(c => c.Id));
        Assert.Equal(FaultCode.Forbidden, (await grain.GetCallsAsync(_carol, new CallPageRequest(null, null, 2))).Fault?.Code);
    }

    [Fact]
    public async Task Commits_EveryChange_CarriesItsEventsInTheState()
    {
        var chat = await _cluster.ChatAsync(_alice, _bob);
        var call = await _cluster.StartCallAsync(chat, _alice, _bob);
        await _cluster.Call(call.Id).AcceptAsync(_bob, _phone);
        await _cluster.Call(call.Id).ConnectedAsync(_alice);
        await _cluster.Call(call.Id).HangupAsync(_bob);

        Assert.Equal(
            [CallStatus.Ringing, CallStatus.Accepted, CallStatus.Active, CallStatus.Ended], _cluster.Store.Commits.Select(c => c.Status));
        Assert.Equal([1, 2, 3, 4], _cluster.Store.Commits.Select(c => c.Version));
        string[] types = ["call.ringing", "call.accepted", "call.active", "call.ended"];
        Assert.Equal([types[..1], types[..2], types[..3], types], _cluster.Store.Events);
    }
}
