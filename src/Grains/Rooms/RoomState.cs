using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Rooms;

/// <summary>
/// What of a room outlives its activation: who is in it, and where its media is. Transports, producers and consumers
/// are not here: only the client and the media node together can make them, so the node is asked for them.
/// </summary>
[GenerateSerializer, Alias("vc.RoomState")]
public sealed class RoomState
{
    /// <summary>Grows with each activation; see <see cref="RoomCommandHeader.Epoch"/>.</summary>
    [Id(0)]
    public long Epoch { get; set; }

    /// <summary>The media node that forwards the room, or null while none does. It has participants without media as well.</summary>
    [Id(1)]
    public MediaNodeId? Node { get; set; }

    /// <summary>By participant id, in the order of joining.</summary>
    [Id(2)]
    public List<RoomParticipant> Participants { get; set; } = [];

    /// <summary>What is being recorded. A node that the room moves to goes on with it.</summary>
    [Id(3)]
    public List<RoomRecording> Recordings { get; set; } = [];

    /// <summary>Further media nodes that have participants of the room, when one is not enough.</summary>
    [Id(4)]
    public List<MediaNodeId> MoreNodes { get; set; } = [];
}

/// <summary>A recording that runs in the room.</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomRecording")]
public sealed record RoomRecording([property: Id(0)] Guid Id, [property: Id(1)] RecordingPlan Plan);

/// <summary>One participant as it is stored.</summary>
[GenerateSerializer, Alias("vc.RoomParticipant")]
public sealed class RoomParticipant
{
    [Id(0)]
    public required ParticipantInfo Info { get; set; }

    /// <summary>Where its door listens. A reference stays valid when the room moves to another silo.</summary>
    [Id(1)]
    public required IRoomObserver Observer { get; set; }

    /// <summary>See <see cref="JoinRoom.EndsWithMedia"/>.</summary>
    [Id(2)]
    public bool EndsWithMedia { get; set; }

    /// <summary>See <see cref="JoinRoom.ResumeKey"/>.</summary>
    [Id(3)]
    public string? ResumeKey { get; set; }

    /// <summary>The media node of its transports, from the first on; null before, and after that node was lost.</summary>
    [Id(4)]
    public MediaNodeId? Node { get; set; }

    /// <summary>What it receives of video, 0 to 99; null for everything.</summary>
    [Id(5)]
    public int? Quality { get; set; }

    /// <summary>What its application allowed last on one of its transports, for those that it makes later; null where it has said nothing.</summary>
    [Id(6)]
    public TransportBitrates? Bitrates { get; set; }
}
