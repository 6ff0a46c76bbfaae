using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.ApiFrontend.Rooms;

/// <summary>The rooms of the cluster as doors reach them.</summary>
public interface IRoomAccess
{
    /// <summary>The room of that name; it exists by being used.</summary>
    IRoomGrain Find(string name);

    /// <summary>Makes an observer reachable for rooms. The caller keeps it alive and releases it.</summary>
    IRoomObserver Refer(IRoomObserver observer);

    /// <summary>Ends a reference that <see cref="Refer"/> gave.</summary>
    void Release(IRoomObserver reference);
}

/// <summary>Rooms through the cluster client.</summary>
internal sealed class ClusterRoomAccess(IGrainFactory grains) : IRoomAccess
{
    public IRoomGrain Find(string name) => grains.GetGrain<IRoomGrain>(name);

    public IRoomObserver Refer(IRoomObserver observer) => grains.CreateObjectReference<IRoomObserver>(observer);

    public void Release(IRoomObserver reference) => grains.DeleteObjectReference<IRoomObserver>(reference);
}
