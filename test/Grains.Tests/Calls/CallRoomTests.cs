using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Rooms;
using VoiceCluster.Grains.Tests.Rooms;

namespace VoiceCluster.Grains.Tests.Calls;

/// <summary>The room of a call: open to those who have joined the call, while it lives, whichever door they come through.</summary>
public sealed class CallRoomTests : IAsyncLifetime
{
    private readonly Guid _alice = Guid.NewGuid();
    private readonly Guid _bob = Guid.NewGuid();
    private readonly Guid _carol = Guid.NewGuid();
    private readonly CallOrigin _phone = new("d:phone", null);
    private readonly List<RecordingObserver> _observers = [];
    private CallCluster _cluster = null!;

    public async Task InitializeAsync()
    {
        _cluster = await CallCluster.StartAsync();
        await _cluster.StartNodeAsync();
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Join_PartyOfALiveCall_IsLetInAndAStrangerIsNot()
    {
        var call = await GroupAsync();
        await AcceptAsync(call, _bob);

        Assert.Null((await JoinAsync(call.Room, _alice)).Fault);
        Assert.Null((await JoinAsync(call.Room, _bob)).Fault);
        Assert.Equal(FaultCode.Forbidden, (await JoinAsync(call.Room, Guid.NewGuid())).Fault?.Code);
        Assert.Equal(FaultCode.Conflict, (await JoinAsync(call.Room, _carol)).Fault?.Code);
        Assert.Equal([_alice, _bob], (await _cluster.Room(call.Room).GetSnapshotAsync()).Participants.Select(p => p.UserId));
    }

    [Theory]
    [InlineData("call:00000000-0000-0000-0000-000000000001")]
    [InlineData("call:")]
    [InlineData("call:lobby")]
    [InlineData("CALL:lobby")]
    public async Task Join_ReservedNameOfNoCall_IsForbidden(string room) =>
        Assert.Equal(FaultCode.Forbidden, (await JoinAsync(room, _alice)).Fault?.Code);

    [Fact]
    public async Task Join_CallsNameInAnotherSpelling_IsForbidden()
    {
        var call = await GroupAsync();

        Assert.Equal(FaultCode.Forbidden, (await JoinAsync($"call:{call.Id.ToString().ToUpperInvariant()}", _alice)).Fault?.Code);
        Assert.Equal(FaultCode.Forbidden, (await JoinAsync($"Call:{call.Id}", _alice)).Fault?.Code);
    }

    [Fact]
    public async Task Room_CallEnds_EverybodyIsPutOutAndNobodyComesBack()
    {
        var call = await GroupAsync();
        await AcceptAsync(call, _bob);
        await JoinAsync(call.Room, _alice);
        await JoinAsync(call.Room, _bob);
        await _cluster.Call(call.Id).HangupAsync(_carol);

        await _cluster.Call(call.Id).HangupAsync(_bob);

        await Eventually.HoldsAsync(() => _observers.All(o => o.Events.OfType<Evicted>().Any(e => e.Reason == LeaveReason.RoomClosed)), "both are told");
        Assert.Empty((await _cluster.Room(call.Room).GetSnapshotAsync()).Participants);
        Assert.Equal(FaultCode.Gone, (await JoinAsync(call.Room, _alice)).Fault?.Code);
    }

    [Fact]
    public async Task Room_OnePartyLeavesTheGroup_OnlyThatOneIsPutOut()
    {
        var call = await GroupAsync();
        await AcceptAsync(call, _bob);
        await AcceptAsync(call, _carol);
        foreach (var user in new[] { _alice, _bob, _carol })
        {
            await JoinAsync(call.Room, user);
        }

        await _cluster.Call(call.Id).HangupAsync(_bob);

        await Eventually.HoldsAsync(() => _observers[1].Events.OfType<Evicted>().Any(), "the one who left is told");
        Assert.Equal([_alice, _carol], (await _cluster.Room(call.Room).GetSnapshotAsync()).Participants.Select(p => p.UserId));
        Assert.DoesNotContain(_observers[0].Events.Concat(_observers[2].Events), e => e is Evicted);
    }

    [Fact]
    public async Task Room_NoticeOfTheEndWasLostWithASilo_IsFoundByMaintenance()
    {
        var call = await GroupAsync();
        await AcceptAsync(call, _bob);
        await JoinAsync(call.Room, _alice);
        await JoinAsync(call.Room, _bob);
        await _cluster.RestartAsync();
        await _cluster.Call(call.Id).HangupAsync(_carol);
        await _cluster.Call(call.Id).HangupAsync(_bob);
        await _cluster.StartNodeAsync();

        Assert.Equal(2, (await _cluster.Room(call.Room).GetSnapshotAsync()).Participants.Length);
        await Eventually.HoldsAsync(
            async () =>
            {
                _cluster.Time.Advance(TimeSpan.FromSeconds(1));
                await _cluster.BeatAsync();
                return (await _cluster.Room(call.Room).GetSnapshotAsync()).Participants.Length == 0;
            },
            "the room is empty");
    }

    [Fact]
    public void Check_EveryStatusOfAParty_OnlyJoinedIsLetIn()
    {
        var party = Guid.NewGuid();
        foreach (var status in Enum.GetValues<CallPartyStatus>())
        {
            var call = Info(CallStatus.Active, new CallParty(_alice, CallPartyStatus.Joined), new CallParty(party, status));
            Assert.Equal(status == CallPartyStatus.Joined, CallRoom.Check(call, party) is null);
        }

        foreach (var status in Enum.GetValues<CallStatus>())
        {
            var call = Info(status, new CallParty(_alice, CallPartyStatus.Joined), new CallParty(party, CallPartyStatus.Joined));
            Assert.Equal(!call.IsOver, CallRoom.Check(call, party) is null);
        }
    }

    private static CallInfo Info(CallStatus status, params CallParty[] parties) =>
        new(Guid.NewGuid(), Guid.NewGuid(), CallType.Voice, status, parties, default, default, null, null, null, null, null, 1);

    private async Task<CallInfo> GroupAsync() =>
        await _cluster.StartCallAsync(await _cluster.ChatAsync(_alice, _bob, _carol), _alice, _bob, _carol);

    private async Task AcceptAsync(CallInfo call, Guid userId) => Assert.Null((await _cluster.Call(call.Id).AcceptAsync(userId, _phone)).Fault);

    private async Task<Outcome<RoomJoined>> JoinAsync(string room, Guid userId)
    {
        RecordingObserver observer = new();
        var joined = await _cluster.Room(room).JoinAsync(
            new JoinRoom(Guid.NewGuid().ToString(), userId, $"\"{userId}\"", "somebody", "test"),
            _cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        if (joined.Fault is null)
        {
            _observers.Add(observer);
        }

        return joined;
    }
}
