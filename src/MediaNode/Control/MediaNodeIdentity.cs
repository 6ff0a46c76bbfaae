using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Control;

/// <summary>This start of this node.</summary>
public sealed class MediaNodeIdentity(IOptions<MediaNodeOptions> options, MediaNodeRuntime runtime)
{
    private readonly Guid _incarnation = Guid.NewGuid();
    private MediaNodeId? _id;

    /// <summary>
    /// The configured name, or host and first port, so that two nodes on one machine differ. Known once the runtime has started.
    /// </summary>
    public MediaNodeId Id => _id ??= new MediaNodeId(
        !string.IsNullOrWhiteSpace(options.Value.Name) ? options.Value.Name
        : runtime.Workers.Count > 0 ? $"{Environment.MachineName}:{runtime.Workers[0].Socket.LocalEndPoint.Port}"
        : throw new InvalidOperationException("The node has no name before its ports are open."),
        _incarnation);
}
