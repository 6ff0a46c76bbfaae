using System.Collections.Concurrent;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Tests.Rooms;

/// <summary>Keeps what a room pushes.</summary>
internal sealed class RecordingObserver : IRoomObserver
{
    private readonly ConcurrentQueue<RoomEvent> _events = [];

    public RoomEvent[] Events => [.. _events];

    public Task OnRoomEventsAsync(RoomEvent[] events)
    {
        foreach (var roomEvent in events)
        {
            _events.Enqueue(roomEvent);
        }

        return Task.CompletedTask;
    }
}
