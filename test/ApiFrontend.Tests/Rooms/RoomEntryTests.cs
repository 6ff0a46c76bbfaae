using Orleans.Runtime;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Rooms;

namespace VoiceCluster.ApiFrontend.Tests.Rooms;

/// <summary>Joining while a silo is lost.</summary>
public sealed class RoomEntryTests
{
    private static readonly JoinRoom Ada = new("p", Guid.NewGuid(), "ada", "Ada", "mediasoup");
    private readonly FakeRooms _rooms = new();

    [Fact]
    public async Task Join_SiloIsLostBeforeItAnswers_IsAskedOfTheNext()
    {
        _rooms["r"].LostJoins = 2;

        var joined = await new RoomEntry(TimeProvider.System).JoinAsync(_rooms["r"], Ada, new Listener());

        Assert.Null(joined.Fault);
        Assert.Equal(0, _rooms["r"].LostJoins);
    }

    [Fact]
    public async Task Join_NoSiloComesInTime_Fails()
    {
        _rooms["r"].LostJoins = int.MaxValue;

        await Assert.ThrowsAsync<SiloUnavailableException>(() => new RoomEntry(new Leap()).JoinAsync(_rooms["r"], Ada, new Listener()));

        Assert.Equal(int.MaxValue - 3, _rooms["r"].LostJoins);
    }

    private sealed class Listener : IRoomObserver
    {
        public Task OnRoomEventsAsync(RoomEvent[] events) => Task.CompletedTask;
    }

    /// <summary>Each look at it is half of the patience later.</summary>
    private sealed class Leap : TimeProvider
    {
        private long _timestamp;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _timestamp += (RoomEntry.Patience / 2).Ticks - 1;
    }
}
