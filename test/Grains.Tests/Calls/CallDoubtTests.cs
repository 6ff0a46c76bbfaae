using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;

namespace VoiceCluster.Grains.Tests.Calls;

/// <summary>A store that takes a change and goes away before it says so: nothing is lost and nothing happens twice.</summary>
public sealed class CallDoubtTests : IAsyncLifetime
{
    private readonly Guid _alice = Guid.Parse("00000000-0000-0000-0000-00000000000a");
    private readonly Guid _bob = Guid.Parse("00000000-0000-0000-0000-00000000000b");
    private readonly CallOrigin _phone = new("d:phone", null);
    private CallCluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await CallCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task AcceptAsync_AnswerOfTheStoreLost_GoesOnFromWhatIsStored()
    {
        var alice = await _cluster.ConnectAsync(_alice);
        var bob = await _cluster.ConnectAsync(_bob);
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        await _cluster.Call(call.Id).SignalAsync(new SendCallSignal(_alice, _phone, CallSignalKind.Offer, "offer"));
        _cluster.Store.LosesNextAnswer = true;

        Assert.Equal(FaultCode.Unavailable, (await _cluster.Call(call.Id).AcceptAsync(_bob, _phone)).Fault?.Code);
        Assert.Equal(FaultCode.Unavailable, (await _cluster.Call(call.Id).AcceptAsync(_bob, _phone)).Fault?.Code);
        Assert.Equal(CallStatus.Ringing, await _cluster.StatusAsync(call.Id));
        Assert.Empty(alice.Seen.Changes);
        _cluster.Store.IsAway = false;

        // Nobody asks: the call finds out by itself, and then tells the caller and passes on what was held.
        await AdvanceUntilAsync(() => alice.Seen.Changes.Length > 0 && bob.Seen.Signals.Length > 0);
        Assert.Equal([CallChange.Accepted], alice.Seen.Changes);
        Assert.Equal(["offer"], bob.Seen.Signals);
        Assert.Equal([CallStatus.Ringing, CallStatus.Accepted], _cluster.Store.Commits.Select(c => c.Status));
    }

    [Fact]
    public async Task AcceptAsync_AgainAfterALostAnswer_WinsForThatDeviceAndNoOther()
    {
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        _cluster.Store.LosesNextAnswer = true;
        await _cluster.Call(call.Id).AcceptAsync(_bob, _phone);
        _cluster.Store.IsAway = false;

        Assert.Equal(FaultCode.Conflict, (await _cluster.Call(call.Id).AcceptAsync(_bob, new CallOrigin("d:laptop", null))).Fault?.Code);
        Assert.Equal(CallStatus.Accepted, (await _cluster.Call(call.Id).AcceptAsync(_bob, _phone)).Value?.Status);
        Assert.Equal(FaultCode.Conflict, (await _cluster.Call(call.Id).AcceptAsync(_bob, _phone)).Fault?.Code);
    }

    [Fact]
    public async Task StartAsync_AnswerOfTheStoreLost_TheCallEndsBeforeAnybodyHearsOfIt()
    {
        var bob = await _cluster.ConnectAsync(_bob);
        var chat = await _cluster.ChatAsync(_alice, _bob);
        var lost = Guid.NewGuid();
        _cluster.Store.LosesNextAnswer = true;

        Assert.Equal(FaultCode.Unavailable, (await _cluster.TryStartAsync(lost, chat, _alice, _bob)).Fault?.Code);
        _cluster.Store.IsAway = false;

        await AdvanceUntilAsync(() => _cluster.Store.Commits.Any(c => c.Id == lost && c.IsOver));
        Assert.Equal(
            [(CallStatus.Ringing, null), (CallStatus.Ended, CallEndReason.Cancelled)], _cluster.Store.Commits.Select(c => (c.Status, c.EndReason)));
        Assert.DoesNotContain(CallChange.Ringing, bob.Seen.Changes);

        // Nobody is engaged by it.
        await _cluster.StartCallAsync(chat, _alice, _bob);
    }

    [Fact]
    public async Task RingTimer_AnswerOfTheStoreLost_MissedOnce()
    {
        var alice = await _cluster.ConnectAsync(_alice);
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        _cluster.Time.Advance(TimeSpan.FromSeconds(20));
        await _cluster.RenewAsync(_alice, alice);
        _cluster.Store.LosesNextAnswer = true;
        await AdvanceUntilAsync(() => _cluster.Store.IsAway);
        _cluster.Store.IsAway = false;

        await AdvanceUntilAsync(() => alice.Seen.Changes.Contains(CallChange.Missed));
        Assert.Single(alice.Seen.Changes, CallChange.Missed);
        Assert.Single(_cluster.Store.Commits, c => c.Id == call.Id && c.Status == CallStatus.Missed);
    }

    [Fact]
    public async Task HangupAsync_StoreAwayAndNothingTaken_CanBeTriedAgain()
    {
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        await _cluster.Call(call.Id).AcceptAsync(_bob, _phone);
        _cluster.Store.IsAway = true;
        Assert.Equal(FaultCode.Unavailable, (await _cluster.Call(call.Id).HangupAsync(_alice)).Fault?.Code);

        // What needs no store goes on meanwhile.
        Assert.Null((await _cluster.Call(call.Id).SignalAsync(new SendCallSignal(_alice, _phone, CallSignalKind.Candidate, "c"))).Fault);
        Assert.Equal(CallStatus.Accepted, (await _cluster.Call(call.Id).GetAsync(_bob)).Value?.Status);
        _cluster.Store.IsAway = false;

        Assert.Equal(CallStatus.Ended, (await _cluster.Call(call.Id).HangupAsync(_alice)).Value?.Status);
        Assert.Single(_cluster.Store.Commits, c => c.Status == CallStatus.Ended);
    }

    /// <summary>In small steps, with the doors' renewals on the way: a leap would run past leases and answers.</summary>
    private Task AdvanceUntilAsync(Func<bool> condition) => Eventually.HoldsAsync(
        () =>
        {
            _cluster.Time.Advance(TimeSpan.FromMilliseconds(200));
            return condition();
        },
        "it comes");
}
