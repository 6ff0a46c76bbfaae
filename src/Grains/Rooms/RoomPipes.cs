using VoiceCluster.Abstractions.Media;

namespace VoiceCluster.Grains.Rooms;

/// <summary>A room's pipes between its media nodes: at most one between two, in both directions.</summary>
internal sealed class RoomPipes
{
    private readonly List<RoomPipe> _pipes = [];

    public bool IsEmpty => _pipes.Count == 0;

    public RoomPipe[] All => [.. _pipes];

    public RoomPipe? Find(MediaNodeId one, MediaNodeId other) => _pipes.Find(p => p.Joins(one) && p.Joins(other));

    public RoomPipe[] Of(MediaNodeId node) => [.. _pipes.Where(p => p.Joins(node))];

    public RoomPipe Add(string id, MediaNodeId one, MediaNodeId other)
    {
        var pipe = new RoomPipe(id, one, other);
        _pipes.Add(pipe);
        return pipe;
    }

    public bool Remove(RoomPipe pipe) => _pipes.Remove(pipe);

    /// <summary>Those through which a producer goes.</summary>
    public RoomPipe[] With(string producerId) => [.. _pipes.Where(p => p.Producers.ContainsKey(producerId))];
}

/// <summary>A pipe between two media nodes.</summary>
internal sealed class RoomPipe(string id, MediaNodeId one, MediaNodeId other)
{
    public string Id => id;

    public MediaNodeId One => one;

    public MediaNodeId Other => other;

    /// <summary>Whether both ends were told of each other.</summary>
    public bool IsConnected { get; set; }

    /// <summary>What goes through it: the producers, and the node of each.</summary>
    public Dictionary<string, MediaNodeId> Producers { get; } = [];

    public bool Joins(MediaNodeId node) => node == one || node == other;

    public MediaNodeId OtherEnd(MediaNodeId node) => node == one ? other : one;

    /// <summary>The pipe as one of its ends should have it.</summary>
    public DesiredPipe DesiredAt(MediaNodeId node, Func<string, bool> isHeldBack) => new(
        id,
        [.. Producers.Where(p => p.Value == node).Select(p => p.Key)],
        [.. Producers.Where(p => p.Value != node).Select(p => new DesiredPipedProducer(p.Key, isHeldBack(p.Key)))]);
}
