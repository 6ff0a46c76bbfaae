using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Recordings;

namespace VoiceCluster.Grains.Recordings;

/// <summary>A recording as it is stored, with the events of its changes.</summary>
[GenerateSerializer, Alias("vc.RecordingState")]
public sealed class RecordingState : IOutboxState
{
    /// <summary>The recording, or null before it was asked for.</summary>
    [Id(0)]
    public RecordingInfo? Recording { get; set; }

    /// <inheritdoc/>
    [Id(1)]
    public List<DomainEvent> PendingEvents { get; set; } = [];

    /// <summary>It was there and is no more; its nodes are to delete their files.</summary>
    [Id(2)]
    public bool IsDeleted { get; set; }
}
