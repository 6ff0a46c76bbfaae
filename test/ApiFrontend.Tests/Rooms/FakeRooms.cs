using System.Collections.Concurrent;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Rooms;

namespace VoiceCluster.ApiFrontend.Tests.Rooms;

/// <summary>Rooms in memory.</summary>
internal sealed class FakeRooms : IRoomAccess
{
    private readonly ConcurrentDictionary<string, FakeRoom> _rooms = new();
    private int _references;

    /// <summary>Observer references that were given and not released.</summary>
    public int References => _references;

    public FakeRoom this[string name] => _rooms.GetOrAdd(name, n => new FakeRoom(n));

    public IRoomGrain Find(string name) => this[name];

    public IRoomObserver Refer(IRoomObserver observer)
    {
        Interlocked.Increment(ref _references);
        return observer;
    }

    public void Release(IRoomObserver reference) => Interlocked.Decrement(ref _references);
}
