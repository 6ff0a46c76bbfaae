using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Tests.Rooms;

namespace VoiceCluster.Grains.Tests.Channels;

public sealed class ChannelGrainTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private readonly Guid _owner = Guid.NewGuid();
    private readonly Guid _id = Guid.NewGuid();

    private IChannelGrain Channel => cluster.Grains.GetGrain<IChannelGrain>(_id);

    private IRoomGrain Room => cluster.Grains.GetGrain<IRoomGrain>(ChannelInfo.RoomOf(_id));

    private IChannelDirectoryGrain Directory => cluster.Grains.GetGrain<IChannelDirectoryGrain>(ChannelDirectory.Key);

    [Fact]
    public async Task Create_AChannel_IsFoundAndListed()
    {
        var made = await CreateAsync();

        Assert.Equal(("general", _owner, 100), (made.Name, made.OwnerId, made.MaxUsers));
        Assert.Equal(made, (await Channel.GetAsync()).Value);
        Assert.Equal([made], await Directory.ListAsync(_owner));
        Assert.Contains(made, await Directory.ListAsync(null));
        Assert.Equal(FaultCode.Conflict, (await Channel.CreateAsync(new CreateChannel(_owner, "again", null, null))).Fault?.Code);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("  ", null)]
    [InlineData("ok", 0)]
    [InlineData("ok", 101)]
    public async Task Create_BeyondTheRules_IsInvalid(string name, int? maxUsers)
    {
        var made = await Channel.CreateAsync(new CreateChannel(_owner, name, null, maxUsers));

        Assert.Equal(FaultCode.Invalid, made.Fault?.Code);
        Assert.Equal(FaultCode.NotFound, (await Channel.GetAsync()).Fault?.Code);
    }

    [Fact]
    public async Task Update_ByTheOwnerAlone_ChangesWhatIsGiven()
    {
        await CreateAsync();

        Assert.Equal(FaultCode.Forbidden, (await Channel.UpdateAsync(Guid.NewGuid(), new UpdateChannel("mine", null, null))).Fault?.Code);
        var updated = (await Channel.UpdateAsync(_owner, new UpdateChannel(null, "news", 3))).Value!;

        Assert.Equal(("general", "news", 3), (updated.Name, updated.Description, updated.MaxUsers));
        Assert.Equal([updated], await Directory.ListAsync(_owner));
    }

    [Fact]
    public async Task Delete_ByTheOwner_EndsTheRoomForEveryDoor()
    {
        await CreateAsync();
        var (join, alice) = await JoinAsync(Guid.NewGuid());
        Assert.Null(join.Fault);

        Assert.Equal(FaultCode.Forbidden, (await Channel.DeleteAsync(Guid.NewGuid())).Fault?.Code);
        Assert.Null((await Channel.DeleteAsync(_owner)).Fault);

        await Eventually.HoldsAsync(() => alice.Events.Any(e => e is Evicted { Reason: LeaveReason.RoomClosed }), "the participant is evicted");
        Assert.Empty((await Room.GetSnapshotAsync()).Participants);
        Assert.Equal(FaultCode.NotFound, (await Channel.GetAsync()).Fault?.Code);
        Assert.Empty(await Directory.ListAsync(_owner));
        Assert.Equal(FaultCode.NotFound, (await Channel.DeleteAsync(_owner)).Fault?.Code);
    }

    [Fact]
    public async Task Room_OfAFullChannel_LetsNobodyElseInAndCountsUsersOnce()
    {
        await CreateAsync(maxUsers: 2);
        var alice = Guid.NewGuid();
        Assert.Null((await JoinAsync(alice)).Join.Fault);
        Assert.Null((await JoinAsync(alice)).Join.Fault);
        Assert.Null((await JoinAsync(Guid.NewGuid())).Join.Fault);

        Assert.Equal(FaultCode.Full, (await JoinAsync(Guid.NewGuid())).Join.Fault?.Code);
    }

    [Fact]
    public async Task Ban_OfAUser_RemovesAndKeepsOutUntilItIsLifted()
    {
        await CreateAsync();
        var (bob, eve) = (Guid.NewGuid(), Guid.NewGuid());
        var (_, bobsEvents) = await JoinAsync(bob);
        var (_, evesEvents) = await JoinAsync(eve);

        Assert.Null((await Channel.BanAsync(eve)).Fault);
        Assert.Null((await Channel.BanAsync(eve)).Fault);

        await Eventually.HoldsAsync(() => evesEvents.Events.Any(e => e is Evicted { Reason: LeaveReason.Removed }), "the banned user is evicted");
        Assert.DoesNotContain(bobsEvents.Events, e => e is Evicted);
        Assert.Equal(FaultCode.Forbidden, (await JoinAsync(eve)).Join.Fault?.Code);
        await cluster.CollectAsync();
        Assert.Equal(FaultCode.Forbidden, (await JoinAsync(eve)).Join.Fault?.Code);
        Assert.Null((await Channel.UnbanAsync(eve)).Fault);
        Assert.Null((await JoinAsync(eve)).Join.Fault);
    }

    [Fact]
    public async Task Room_WithoutAChannel_RefusesOnlyWhoRequiresOne()
    {
        Assert.Equal(FaultCode.NotFound, (await JoinAsync(Guid.NewGuid(), requiresChannel: true)).Join.Fault?.Code);
        Assert.Null((await JoinAsync(Guid.NewGuid())).Join.Fault);
    }

    [Fact]
    public async Task End_FromOutside_IsTheSameForAnUnknownChannel()
    {
        var (_, alice) = await JoinAsync(Guid.NewGuid());

        await Channel.EndAsync();
        await Channel.EndAsync();

        await Eventually.HoldsAsync(() => alice.Events.Any(e => e is Evicted), "the room is ended");
    }

    private async Task<ChannelInfo> CreateAsync(int? maxUsers = null)
    {
        var made = await Channel.CreateAsync(new CreateChannel(_owner, "general", null, maxUsers));
        Assert.Null(made.Fault);
        return made.Value!;
    }

    private async Task<(Outcome<RoomJoined> Join, RecordingObserver Observer)> JoinAsync(Guid userId, bool requiresChannel = false)
    {
        RecordingObserver observer = new();
        var join = new JoinRoom(Guid.NewGuid().ToString(), userId, "1", "someone", "test", RequiresChannel: requiresChannel);
        return (await Room.JoinAsync(join, cluster.Grains.CreateObjectReference<IRoomObserver>(observer)), observer);
    }
}
