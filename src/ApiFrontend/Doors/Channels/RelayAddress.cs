using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>
/// Where the relay is, before a client has joined a channel: at one of the media nodes that live. After that the channel's
/// node says. Asked at most every <see cref="KeepFor"/>.
/// </summary>
internal sealed class RelayAddress(IGrainFactory grains, TimeProvider time)
{
    private static readonly TimeSpan KeepFor = TimeSpan.FromSeconds(5);

    private sealed record Answer(RelayEndPoint? EndPoint, long At);

    private volatile Answer? _last;

    /// <summary>A living node's relay port, or null.</summary>
    public async ValueTask<RelayEndPoint?> FindAsync()
    {
        if (_last is { } last && time.GetElapsedTime(last.At) < KeepFor)
        {
            return last.EndPoint;
        }

        var nodes = await grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key).ListAsync().ConfigureAwait(false);
        var found = nodes.Where(n => !n.Draining).Select(n => n.Relay).FirstOrDefault(r => r is not null);
        _last = found is null ? null : new Answer(found, time.GetTimestamp());
        return found;
    }
}
