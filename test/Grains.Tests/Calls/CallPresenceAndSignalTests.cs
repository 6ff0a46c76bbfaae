using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Tests.Calls;

public sealed class CallPresenceAndSignalTests : IAsyncLifetime
{
    private static readonly TimeSpan GoneTime = TimeSpan.FromSeconds(30);
    private readonly Guid _alice = Guid.Parse("00000000-0000-0000-0000-00000000000a");
    private readonly Guid _bob = Guid.Parse("00000000-0000-0000-0000-00000000000b");
    private readonly CallOrigin _phone = new("d:phone", null);
    private CallCluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await CallCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Presence_BothGoneForTheTime_EndsTheCall()
    {
        var (call, alice, bob) = await AnsweredAsync();
        await DisconnectAsync(_alice, alice.Connection);
        await DisconnectAsync(_bob, bob.Connection);

        await AdvanceUntilOverAsync(call.Id);

        var ended = (await _cluster.Call(call.Id).FindAsync())!;
        Assert.Equal((CallStatus.Ended, CallEndReason.ConnectionLost), (ended.Status, ended.EndReason));
        Assert.True(ended.EndedAt - ended.AnsweredAt >= GoneTime);
    }

    [Fact]
    public async Task Presence_OneStays_TheCallGoesOn()
    {
        var (call, alice, bob) = await AnsweredAsync();
        await DisconnectAsync(_alice, alice.Connection);

        for (var i = 0; i < 12; i++)
        {
            _cluster.Time.Advance(TimeSpan.FromSeconds(5));
            await _cluster.RenewAsync(_bob, (bob.Connection, bob.Seen));
        }

        Assert.Equal(CallStatus.Accepted, await _cluster.StatusAsync(call.Id));
    }

    [Fact]
    public async Task Presence_DoorSilentInsteadOfADisconnect_EndsTheCallToo()
    {
        var (call, alice, bob) = await AnsweredAsync();

        await AdvanceUntilOverAsync(call.Id);

        Assert.Equal(CallEndReason.ConnectionLost, (await _cluster.Call(call.Id).FindAsync())!.EndReason);
        GC.KeepAlive((alice, bob));
    }

    [Fact]
    public async Task Presence_SiloLostAndNobodyComesBack_EndsByTheReminder()
    {
        var (call, _, _) = await AnsweredAsync();
        await _cluster.RestartAsync();

        await Eventually.HoldsAsync(
            () =>
            {
                _cluster.Time.Advance(TimeSpan.FromSeconds(5));
                return _cluster.Store.Commits.Any(c => c.Id == call.Id && c.EndReason == CallEndReason.ConnectionLost);
            },
            "ended without anybody asking");
    }

    [Fact]
    public async Task SignalAsync_ThousandCandidatesBothWays_KeepTheirOrder()
    {
        var (call, alice, bob) = await AnsweredAsync();
        string[] sent = [.. Enumerable.Range(0, 1_000).Select(i => $$"""{"candidate":"{{i}}"}""")];

        await Task.WhenAll(SendAllAsync(_alice, alice.Connection), SendAllAsync(_bob, bob.Connection));

        await Eventually.HoldsAsync(() => alice.Seen.Signals.Length == sent.Length && bob.Seen.Signals.Length == sent.Length, "all arrive");
        Assert.Equal(sent, alice.Seen.Signals);
        Assert.Equal(sent, bob.Seen.Signals);

        async Task SendAllAsync(Guid from, UserConnection connection)
        {
            foreach (var payload in sent)
            {
                var outcome = await _cluster.Call(call.Id).SignalAsync(
                    new SendCallSignal(from, new CallOrigin(connection.Device, connection.Id), CallSignalKind.Candidate, payload));
                Assert.Null(outcome.Fault);
            }
        }
    }

    [Fact]
    public async Task SignalAsync_CallerBeforeTheAnswer_ArrivesAtTheAnswerInOrder()
    {
        var bob = await _cluster.ConnectAsync(_bob);
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        foreach (var payload in new[] { "1", "2", "3" })
        {
            Assert.Null((await SignalAsync(call.Id, _alice, payload)).Fault);
        }

        Assert.Empty(bob.Seen.Signals);
        await _cluster.Call(call.Id).AcceptAsync(_bob, _phone);
        await SignalAsync(call.Id, _alice, "4");

        await Eventually.HoldsAsync(() => bob.Seen.Signals.Length == 4, "all arrive");
        Assert.Equal(["1", "2", "3", "4"], bob.Seen.Signals);
    }

    [Fact]
    public async Task SignalAsync_CalleeBeforeTheAnswerOrAfterTheEndOrStranger_IsRefused()
    {
        var alice = await _cluster.ConnectAsync(_alice);
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);

        Assert.Equal(FaultCode.Conflict, (await SignalAsync(call.Id, _bob, "1")).Fault?.Code);
        Assert.Equal(FaultCode.Forbidden, (await SignalAsync(call.Id, Guid.NewGuid(), "2")).Fault?.Code);
        await _cluster.Call(call.Id).HangupAsync(_bob);
        Assert.Equal(FaultCode.Gone, (await SignalAsync(call.Id, _bob, "3")).Fault?.Code);
        Assert.Equal(FaultCode.NotFound, (await SignalAsync(Guid.NewGuid(), _bob, "4")).Fault?.Code);
        Assert.Empty(alice.Seen.Signals);
    }

    [Fact]
    public async Task SignalAsync_CalleeWithTwoDevices_GoesOnlyToTheOneThatAnswered()
    {
        var phone = await _cluster.ConnectAsync(_bob);
        var laptop = await _cluster.ConnectAsync(_bob, "d:laptop");
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        await _cluster.Call(call.Id).AcceptAsync(_bob, new CallOrigin("d:laptop", laptop.Connection.Id));

        await SignalAsync(call.Id, _alice, "offer");

        await Eventually.HoldsAsync(() => laptop.Seen.Signals is ["offer"], "the laptop gets it");
        Assert.Empty(phone.Seen.Signals);
    }

    private Task<Outcome<Done>> SignalAsync(Guid callId, Guid from, string payload) =>
        _cluster.Call(callId).SignalAsync(new SendCallSignal(from, _phone, CallSignalKind.Candidate, payload));

    private async Task<(CallInfo Call, Device Alice, Device Bob)> AnsweredAsync()
    {
        var alice = await _cluster.ConnectAsync(_alice);
        var bob = await _cluster.ConnectAsync(_bob);
        var call = await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob), _alice, _bob);
        Assert.Null((await _cluster.Call(call.Id).AcceptAsync(_bob, _phone)).Fault);
        return (call, new Device(alice.Connection, alice.Seen), new Device(bob.Connection, bob.Seen));
    }

    private Task AdvanceUntilOverAsync(Guid callId) => Eventually.HoldsAsync(
        async () =>
        {
            _cluster.Time.Advance(TimeSpan.FromSeconds(1));
            return await _cluster.StatusAsync(callId) == CallStatus.Ended;
        },
        "the call ends");

    private Task DisconnectAsync(Guid userId, UserConnection connection) =>
        _cluster.Grains.GetGrain<IUserGrain>(userId).DisconnectAsync(connection.Id);

    private sealed record Device(UserConnection Connection, Users.RecordingUser Seen);
}
