using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Bench.Engine.Processes;

/// <summary>Where the rooms' events go in this process: a frontend's door without its clients.</summary>
internal sealed class Door(IGrainFactory factory) : IRoomObserver
{
    private IRoomObserver? _reference;
    private long _heard;

    /// <summary>The residents' observer.</summary>
    public IRoomObserver Reference => _reference ??= factory.CreateObjectReference<IRoomObserver>(this);

    /// <summary>Events that have come.</summary>
    public long Heard => Volatile.Read(ref _heard);

    /// <inheritdoc/>
    public Task OnRoomEventsAsync(RoomEvent[] events)
    {
        Interlocked.Add(ref _heard, events.Length);
        return Task.CompletedTask;
    }
}
