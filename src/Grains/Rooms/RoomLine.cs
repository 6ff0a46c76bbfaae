using VoiceCluster.Abstractions.Media;

namespace VoiceCluster.Grains.Rooms;

/// <summary>What a room's activation knows of its line to one media node.</summary>
internal sealed class RoomLine(MediaNodeId node)
{
    /// <summary>How long a node that had no room for a transport is passed over.</summary>
    private static readonly TimeSpan FullFor = TimeSpan.FromSeconds(3);

    public MediaNodeId Node => node;

    /// <summary>Null when the fleet is to be asked (again) whether the node lives.</summary>
    public MediaPlacement? Placement { get; set; }

    /// <summary>The last placement, also of a node that did not answer and may have executed what it was told.</summary>
    public MediaPlacement? LastPlacement { get; set; }

    /// <summary>Whether this activation knows what the node has.</summary>
    public bool IsTakenOver { get; set; }

    /// <summary>A command was not answered: what the node has is to be reconciled.</summary>
    public bool IsUncertain { get; set; }

    /// <summary>When it last did not answer.</summary>
    public DateTimeOffset FailedAt { get; set; }

    /// <summary>When it last refused a transport because its workers are full.</summary>
    public DateTimeOffset FullAt { get; set; }

    /// <summary>The pipes that it had when it was taken over, until those of all nodes are known.</summary>
    public AdoptedPipe[] Adopted { get; set; } = [];

    /// <summary>Whether it need not be asked for a transport again.</summary>
    public bool IsFull(DateTimeOffset now) => now - FullAt < FullFor;

    public bool IsReady => Placement is not null && IsTakenOver && !IsUncertain;

    public void Place(MediaPlacement placement) => LastPlacement = Placement = placement;
}
