using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Events;
using VoiceCluster.Grains.Tests.Rooms;

namespace VoiceCluster.Grains.Tests.Events;

/// <summary>What the world is told of rooms and media nodes, and what it may tell them.</summary>
public sealed class WorldEventsTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    /// <summary>References alone do not keep them.</summary>
    private readonly List<RecordingObserver> _observers = [];

    private ExternalEvents World => new(cluster.Grains);

    [Fact]
    public async Task Room_FromItsFirstParticipantToItsLast_IsToldInOrderWithoutGaps()
    {
        var room = cluster.Room();
        await JoinAsync(room, "alice", Guid.NewGuid());
        await JoinAsync(room, "bob", Guid.NewGuid());
        await room.SetVoiceStateAsync("bob", muted: true, deafened: false);
        await room.LeaveAsync("bob", LeaveReason.Left);
        await room.LeaveAsync("alice", LeaveReason.ConnectionLost);

        var name = room.GetPrimaryKeyString();
        await Eventually.HoldsAsync(() => Told(name).LastOrDefault() is RoomClosedEvent, "the room's end is told");
        var told = Told(name);
        Assert.Equal(
            [
                "room.opened", "room.participant.joined", "room.participant.joined", "room.participant.updated", "room.participant.left",
                "room.participant.left", "room.closed",
            ],
            told.Select(e => e.Type));
        Assert.Equal(Enumerable.Range(1, told.Length).Select(i => (long)i), told.Select(e => e.Sequence));
        Assert.Single(told.Select(e => e.Epoch).Distinct());
        Assert.True(Assert.IsType<RoomParticipantEvent>(told[3]).Participant.Muted);
        Assert.Equal(("bob", LeaveReason.Left), (Assert.IsType<RoomParticipantLeftEvent>(told[4]).Participant.ParticipantId, ((RoomParticipantLeftEvent)told[4]).Reason));
    }

    [Fact]
    public async Task Room_TakenOver_BeginsAnEpochWithItsParticipants()
    {
        var room = cluster.Room();
        var name = room.GetPrimaryKeyString();
        await JoinAsync(room, "alice", Guid.NewGuid());
        await cluster.CollectAsync();
        await room.GetSnapshotAsync();

        await Eventually.HoldsAsync(() => Told(name).OfType<RoomOpenedEvent>().Count() == 2, "a second epoch is told");
        var again = Told(name).OfType<RoomOpenedEvent>().Last();
        Assert.Equal(["alice"], again.Participants.Select(p => p.ParticipantId));
        Assert.True(again.Epoch > Told(name)[0].Epoch);
        Assert.Equal(1, again.Sequence);
    }

    [Fact]
    public async Task UserBanned_FromOneRoom_IsRemovedThereAndToldWhy()
    {
        var (user, other) = (Guid.NewGuid(), Guid.NewGuid());
        var (here, there) = (cluster.Room(), cluster.Room());
        var seen = await JoinAsync(here, "phone", user);
        await JoinAsync(here, "laptop", user);
        await JoinAsync(here, "other", other);
        await JoinAsync(there, "phone", user);

        await World.UserBannedAsync(user, here.GetPrimaryKeyString());
        await World.UserBannedAsync(user, here.GetPrimaryKeyString());

        Assert.Equal(["other"], (await here.GetSnapshotAsync()).Participants.Select(p => p.ParticipantId));
        Assert.Single((await there.GetSnapshotAsync()).Participants);
        await Eventually.HoldsAsync(() => seen.Events.OfType<Evicted>().Any(e => e.Reason == LeaveReason.Removed), "the door is told");
    }

    [Fact]
    public async Task UserBanned_FromEverywhere_IsRemovedFromAllRooms()
    {
        var user = Guid.NewGuid();
        IRoomGrain[] rooms = [cluster.Room(), cluster.Room(), cluster.Room()];
        foreach (var room in rooms)
        {
            await JoinAsync(room, "phone", user);
            await JoinAsync(room, "other", Guid.NewGuid());
        }

        // Rooms tell the user's index without waiting for it.
        await Eventually.HoldsAsync(
            async () => (await cluster.Grains.GetGrain<Abstractions.Users.IUserRoomsGrain>(user).ListAsync()).Length == rooms.Length, "all rooms are noted");
        await World.UserBannedAsync(user, null);
        foreach (var room in rooms)
        {
            Assert.Equal(["other"], (await room.GetSnapshotAsync()).Participants.Select(p => p.ParticipantId));
        }
    }

    [Fact]
    public async Task UserBanned_FromAChannelOfOurs_IsKeptOutOfIt()
    {
        var (user, channelId) = (Guid.NewGuid(), Guid.NewGuid());
        await cluster.Grains.GetGrain<IChannelGrain>(channelId).CreateAsync(new CreateChannel(Guid.NewGuid(), "talk", null, null));
        var room = cluster.Grains.GetGrain<IRoomGrain>(ChannelInfo.RoomOf(channelId));
        await JoinAsync(room, "phone", user);

        await World.UserBannedAsync(user, channelId.ToString());

        Assert.Empty((await room.GetSnapshotAsync()).Participants);
        var again = await room.JoinAsync(
            new JoinRoom("phone", user, "phone", "phone", "test"), cluster.Grains.CreateObjectReference<IRoomObserver>(new RecordingObserver()));
        Assert.Equal(FaultCode.Forbidden, again.Fault?.Code);

        await World.ChannelDeletedAsync(channelId.ToString());
        Assert.Equal(FaultCode.NotFound, (await cluster.Grains.GetGrain<IChannelGrain>(channelId).GetAsync()).Fault?.Code);
    }

    [Fact]
    public async Task ChannelDeleted_Twice_EmptiesAndClosesItsRoomOnce()
    {
        var room = cluster.Room();
        var name = room.GetPrimaryKeyString();
        var alice = await JoinAsync(room, "alice", Guid.NewGuid());
        var bob = await JoinAsync(room, "bob", Guid.NewGuid());

        await World.ChannelDeletedAsync(name);
        await World.ChannelDeletedAsync(name);
        await World.ChannelDeletedAsync($"unknown-{name}");

        Assert.Empty((await room.GetSnapshotAsync()).Participants);
        await Eventually.HoldsAsync(
            () => new[] { alice, bob }.All(o => o.Events.OfType<Evicted>().Any(e => e.Reason == LeaveReason.RoomClosed)), "both doors are told");
        Assert.Single(Told(name).OfType<RoomClosedEvent>());
        Assert.All(Told(name).OfType<RoomParticipantLeftEvent>(), e => Assert.Equal(LeaveReason.RoomClosed, e.Reason));
        Assert.Empty(RecordingEvents.Shared.Of($"unknown-{name}"));
    }

    [Fact]
    public async Task MediaNode_JoinsRestartsAndDies_IsTold()
    {
        var name = $"node-{Guid.NewGuid():N}";
        cluster.StartNode(name);
        await cluster.FleetSettlesAsync();
        cluster.StartNode(name);
        await cluster.FleetSettlesAsync();
        cluster.KillNode(name);
        await cluster.FleetSettlesAsync();

        Assert.Equal(
            [EventTypes.MediaNodeJoined, EventTypes.MediaNodeLost, EventTypes.MediaNodeJoined, EventTypes.MediaNodeLost],
            RecordingEvents.Shared.Of(name).Select(e => e.Type));
        Assert.Equal(2, RecordingEvents.Shared.Of(name).OfType<MediaNodeJoinedEvent>().Select(e => e.Incarnation).Distinct().Count());
    }

    private static RoomDomainEvent[] Told(string room) => [.. RecordingEvents.Shared.Of(room).OfType<RoomDomainEvent>()];

    private async Task<RecordingObserver> JoinAsync(IRoomGrain room, string participant, Guid user)
    {
        var observer = new RecordingObserver();
        var joined = await room.JoinAsync(
            new JoinRoom(participant, user, participant, participant, "test"), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        Assert.Null(joined.Fault);
        _observers.Add(observer);
        return observer;
    }
}
