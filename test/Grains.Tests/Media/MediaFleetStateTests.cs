using VoiceCluster.Abstractions.Media;
using VoiceCluster.Grains.Media;

namespace VoiceCluster.Grains.Tests.Media;

public sealed class MediaFleetStateTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly MediaFleetState _fleet = new();

    [Fact]
    public void Place_WithoutNodes_IsNull() => Assert.Null(_fleet.Place("room", null));

    [Fact]
    public void Place_AgainWithTheCurrentNode_StaysThere()
    {
        var busy = Beat("a", cpu: 0.9);
        Beat("b", cpu: 0.1);
        Assert.Equal(busy, _fleet.Place("room", busy)!.NodeId);
    }

    [Fact]
    public void Place_NewRoom_TakesTheLeastLoaded()
    {
        Beat("a", cpu: 0.9);
        var idle = Beat("b", cpu: 0.1);
        Assert.Equal(idle, _fleet.Place("room", null)!.NodeId);
    }

    [Fact]
    public void Place_ManyRoomsBetweenHeartbeats_SpreadsThem()
    {
        Beat("a");
        Beat("b");
        var byNode = Enumerable.Range(0, 10).Select(i => _fleet.Place($"room{i}", null)!.NodeId.Name).CountBy(n => n).ToDictionary();
        Assert.Equal(new Dictionary<string, int> { ["a"] = 5, ["b"] = 5 }, byNode);
    }

    [Fact]
    public void Place_ManyRoomsBetweenHeartbeats_DoNotAllGoToTheNodeThatHadLessToDo()
    {
        Beat("a", cpu: 0.3);
        Beat("b");
        var byNode = Enumerable.Range(0, 9).Select(i => _fleet.Place($"room{i}", null)!.NodeId.Name).CountBy(n => n).ToDictionary();
        Assert.Equal(new Dictionary<string, int> { ["a"] = 3, ["b"] = 6 }, byNode);
    }

    [Fact]
    public void Place_RoomsThatTheFiguresKnowOrThatEnded_CountNoMore()
    {
        var busy = Beat("a", cpu: 0.15);
        var idle = Beat("b");
        Assert.Equal(idle, _fleet.Place("first", null)!.NodeId);
        Assert.Equal(idle, _fleet.Place("second", null)!.NodeId);
        Assert.Equal(busy, _fleet.Place("third", null)!.NodeId);
        _fleet.Release("second", idle);
        Assert.Equal(idle, _fleet.Place("fourth", null)!.NodeId);
        Assert.Equal(idle, _fleet.Place("fifth", null)!.NodeId);
        Assert.Equal(busy, _fleet.Place("sixth", null)!.NodeId);
        for (var i = 0; i < 2; i++)
        {
            _fleet.Heartbeat(Heartbeat(busy, 0.15, 0, draining: false), new InMemoryMediaNode(), Start, out _);
            _fleet.Heartbeat(Heartbeat(idle, 0, 0, draining: false), new InMemoryMediaNode(), Start, out _);
        }

        Assert.Equal(idle, _fleet.Place("seventh", null)!.NodeId);
    }

    [Fact]
    public void Place_FullOrDrainingNodes_AreNotTaken()
    {
        Beat("full", consumers: 100);
        Beat("draining", draining: true);
        Assert.Null(_fleet.Place("room", null));
    }

    [Fact]
    public void Place_CurrentNodeDrains_MovesTheRoom()
    {
        var draining = Beat("a", draining: true);
        var other = Beat("b");
        Assert.Equal(other, _fleet.Place("room", draining)!.NodeId);
    }

    [Fact]
    public void PlaceParticipant_TakesTheFirstOfTheRoomsNodesWithRoom()
    {
        var first = Beat("a", consumers: 90);
        var second = Beat("b", consumers: 95);
        Assert.Equal(first, Place(new RoomShare(first, 10, 10), new RoomShare(second, 0, 5)));
        Assert.Equal(second, Place(new RoomShare(first, 10, 11), new RoomShare(second, 0, 5)));

        // The room knows of its consumers before the heartbeats do.
        Assert.Equal(second, Place(new RoomShare(first, 95, 10), new RoomShare(second, 0, 5)));
    }

    [Fact]
    public void PlaceParticipant_BeyondTheRoomsNodes_TakesTheLeastLoadedOfOthers()
    {
        var full = Beat("a", consumers: 100);
        Beat("b", consumers: 50);
        var idle = Beat("c", consumers: 10);
        Assert.Equal(idle, Place(new RoomShare(full, 100, 5)));
        Assert.Equal(["room"], _fleet.Remove(idle)!.Rooms);
    }

    [Fact]
    public void PlaceParticipant_WhenAllAreFull_TakesTheLeastLoadedOfTheRoomsNodes_AndNoneThatDrains()
    {
        var first = Beat("a", consumers: 120);
        var second = Beat("b", consumers: 110);
        Beat("c", consumers: 100);
        Assert.Equal(second, Place(new RoomShare(first, 60, 5), new RoomShare(second, 60, 5)));
        _fleet.Drain(second);
        Assert.Equal(first, Place(new RoomShare(first, 60, 5), new RoomShare(second, 60, 5)));
        Assert.Null(new MediaFleetState().PlaceParticipant("room", []));
    }

    [Fact]
    public void Place_NodeWithoutRoomForATransport_IsTheLastChoice()
    {
        var full = new MediaNodeId("a", Guid.NewGuid());
        _fleet.Heartbeat(Heartbeat(full, 0, 0, draining: false) with { IsFull = true }, new InMemoryMediaNode(), Start, out _);
        Assert.Equal(full, _fleet.Place("only", null)!.NodeId);
        var busy = Beat("b", consumers: 90);
        Assert.Equal(busy, _fleet.Place("room", null)!.NodeId);
        Assert.Equal(busy, Place(new RoomShare(full, 0, 1), new RoomShare(busy, 0, 1)));

        // What the node said to the room counts before its heartbeats do.
        var next = Beat("c", consumers: 95);
        Assert.Equal(next, Place(new RoomShare(full, 0, 1), new RoomShare(busy, 0, 1, IsFull: true)));
        Assert.Equal(busy, Place(new RoomShare(full, 0, 1, IsFull: true), new RoomShare(busy, 0, 20), new RoomShare(next, 0, 20, IsFull: true)));
    }

    [Fact]
    public void End_OfAProcess_IsALossUnlessTheNodeDrains()
    {
        var (gone, draining) = (Beat("gone"), Beat("draining"));
        Assert.Equal(gone, _fleet.Place("room", gone)!.NodeId);
        _fleet.Drain(draining);

        Assert.Null(_fleet.End(draining));
        Assert.Equal(["room"], _fleet.End(gone)!.Rooms);
        Assert.Null(_fleet.End(gone));
        Assert.Equal([draining], _fleet.Nodes.Select(n => n.Node));
    }

    [Fact]
    public void Drain_WithAnotherNode_NamesTheRoomsAndPlacesThemElsewhere()
    {
        var node = Beat("a");
        _fleet.Place("room", null);
        Assert.Empty(_fleet.Drain(node));
        var other = Beat("b");

        Assert.Equal(["room"], _fleet.Drain(node));

        // A heartbeat that was on its way does not undo it.
        _fleet.Heartbeat(Heartbeat(node, 0, 0, draining: false), new InMemoryMediaNode(), Start, out _);
        Assert.Equal(other, _fleet.Place("room", node)!.NodeId);
        Assert.Equal(other, _fleet.Place("another", null)!.NodeId);
        Assert.Empty(_fleet.Drain(other));
    }

    [Fact]
    public void Silent_AfterThreeSeconds_NamesTheNode_AndRemoveNamesItsRooms()
    {
        var node = Beat("a");
        _fleet.Place("room", null);
        Assert.Empty(_fleet.Silent(Start + MediaFleet.LostAfter));
        Assert.Equal([node], _fleet.Silent(Start + MediaFleet.LostAfter + TimeSpan.FromMilliseconds(1)));
        Assert.Equal(["room"], _fleet.Remove(node)!.Rooms);
        Assert.Null(_fleet.Remove(node));
    }

    [Fact]
    public void Heartbeat_OfANodeThatHasLeft_DoesNotBringItBack_ButAnotherIncarnationCounts()
    {
        var node = Beat("a");
        var other = Beat("b");
        _fleet.Place("room", node);
        Assert.Equal(["room"], _fleet.Leave(node, Start)!.Rooms);

        Assert.Null(_fleet.Heartbeat(Heartbeat(node, 0, 0, draining: false), new InMemoryMediaNode(), Start, out var isNew));
        Assert.False(isNew);
        Assert.Equal(other, _fleet.Place("room", node)!.NodeId);
        Assert.Equal([other], _fleet.Nodes.Select(n => n.Node));

        var again = Beat("a");
        Assert.Equal(again, _fleet.Place("room", again)!.NodeId);
    }

    [Fact]
    public void Heartbeat_OfANewIncarnation_LosesTheRoomsOfTheOld()
    {
        var first = Beat("a");
        _fleet.Place("room", null);
        var lost = _fleet.Heartbeat(Heartbeat(new MediaNodeId("a", Guid.NewGuid()), 0, 0, false), new InMemoryMediaNode(), Start, out var isNew);
        Assert.True(isNew);
        Assert.Equal(first, lost!.Node);
        Assert.Equal(["room"], lost.Rooms);
    }

    private MediaNodeId Place(params RoomShare[] shares) => _fleet.PlaceParticipant("room", shares)!.NodeId;

    private MediaNodeId Beat(string name, double cpu = 0, int consumers = 0, bool draining = false)
    {
        var id = new MediaNodeId(name, Guid.NewGuid());
        _fleet.Heartbeat(Heartbeat(id, cpu, consumers, draining), new InMemoryMediaNode(), Start, out _);
        return id;
    }

    private static MediaNodeHeartbeat Heartbeat(MediaNodeId id, double cpu, int consumers, bool draining) =>
        new(id, "http://127.0.0.1:8089", 0, consumers, 100, cpu, draining);
}
