using Orleans.Runtime;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.ApiFrontend.Rooms;

/// <summary>
/// The way into a room, also while its silo is lost. Joining again under the same participant id changes nothing, so a join that
/// a dying silo did not answer is asked of the next one, and the client only waits a little longer.
/// </summary>
internal sealed class RoomEntry(TimeProvider time)
{
    /// <summary>For how long: by then the cluster has voted the silo out with the shipped settings, and the room lives elsewhere.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    /// <summary>Between two tries.</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>As <see cref="IRoomGrain.JoinAsync"/>.</summary>
    public Task<Outcome<RoomJoined>> JoinAsync(IRoomGrain room, JoinRoom request, IRoomObserver observer) =>
        AskAsync(() => room.JoinAsync(request, observer));

    /// <summary>The same for what joins a room on behalf of the client, such as a grain. Asking it twice must be the same as asking once.</summary>
    public async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask().ConfigureAwait(false);
            }
            catch (SiloUnavailableException) when (time.GetElapsedTime(started) < Patience)
            {
                await Task.Delay(Pause, time).ConfigureAwait(false);
            }
        }
    }
}
