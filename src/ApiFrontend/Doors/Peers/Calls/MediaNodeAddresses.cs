using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Calls;

/// <summary>
/// Where media nodes serve their recordings now: a node that was started anew, under the same name, may be at another address than
/// when it reported its files. The fleet is asked at most every <see cref="KeepFor"/>.
/// </summary>
internal sealed class MediaNodeAddresses(IGrainFactory grains, TimeProvider time)
{
    private static readonly TimeSpan KeepFor = TimeSpan.FromSeconds(1);

    private sealed record Answer(Dictionary<string, string> ByName, long At);

    private volatile Answer? _last;

    /// <summary>The file's address at its node; the one that was reported with it when the node does not live.</summary>
    public async ValueTask<string> UrlOfAsync(Guid recording, RecordingFile file)
    {
        if (_last is not { } last || time.GetElapsedTime(last.At) >= KeepFor)
        {
            var nodes = await grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key).ListAsync().ConfigureAwait(false);
            _last = last = new Answer(nodes.ToDictionary(n => n.Node.Name, n => n.ControlUrl), time.GetTimestamp());
        }

        return last.ByName.TryGetValue(file.Node, out var url) ? $"{url.TrimEnd('/')}/recordings/{recording:N}/{file.Name}" : file.Url;
    }
}
