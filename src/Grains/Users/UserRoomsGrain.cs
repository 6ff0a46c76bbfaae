using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Users;

/// <summary>Rooms by the time of their last note.</summary>
public sealed class UserRoomsGrain(TimeProvider time) : Grain, IUserRoomsGrain
{
    private readonly Dictionary<string, DateTimeOffset> _rooms = [];

    /// <inheritdoc/>
    public Task NoteAsync(string room)
    {
        Forget();
        _rooms[room] = time.GetUtcNow();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<string[]> ListAsync()
    {
        Forget();
        return Task.FromResult<string[]>([.. _rooms.Keys]);
    }

    private void Forget()
    {
        var deadline = time.GetUtcNow() - RoomLease.Expiry;
        foreach (var (room, _) in _rooms.Where(r => r.Value < deadline).ToArray())
        {
            _rooms.Remove(room);
        }
    }
}
