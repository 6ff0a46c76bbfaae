using VoiceCluster.Abstractions.Media;

namespace VoiceCluster.Grains.Media;

/// <summary>The fleet's rules without any runtime: who lives, who is loaded, which room is where.</summary>
public sealed class MediaFleetState
{
    /// <summary>How long a node that has left is remembered: no call of it is on its way for longer.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);

    private readonly Dictionary<MediaNodeId, Entry> _nodes = [];
    private readonly Dictionary<MediaNodeId, DateTimeOffset> _left = [];

    /// <summary>Nodes that live now.</summary>
    public IEnumerable<MediaNodeHeartbeat> Nodes => _nodes.Values.Select(n => n.Heartbeat);

    /// <summary>The same, to be called.</summary>
    public IEnumerable<IMediaNode> References => _nodes.Values.Select(n => n.Node);

    /// <summary>
    /// Notes a sign of life. Answers the node's earlier incarnation with its rooms when this is a restart: those are lost.
    /// </summary>
    public LostNode? Heartbeat(MediaNodeHeartbeat heartbeat, IMediaNode node, DateTimeOffset now, out bool isNew)
    {
        isNew = false;
        if (_left.ContainsKey(heartbeat.Node))
        {
            // It was on its way when the node left, and would have rooms placed there.
            return null;
        }

        isNew = !_nodes.TryGetValue(heartbeat.Node, out var entry);
        if (entry is not null)
        {
            // One that was on its way when the draining began says nothing about it.
            entry.Heartbeat = heartbeat with { Draining = heartbeat.Draining || entry.Heartbeat.Draining };
            entry.Node = node;
            entry.Seen = now;
            entry.Settle();
            return null;
        }

        var earlier = _nodes.Keys.FirstOrDefault(n => n.Name == heartbeat.Node.Name);
        _nodes[heartbeat.Node] = new Entry { Heartbeat = heartbeat, Node = node, Seen = now };
        return earlier is null ? null : Remove(earlier);
    }

    /// <summary>From now on the node takes no rooms. Answers those that it has, if another node can take them.</summary>
    public string[] Drain(MediaNodeId node)
    {
        if (!_nodes.TryGetValue(node, out var entry))
        {
            return [];
        }

        entry.Heartbeat = entry.Heartbeat with { Draining = true };
        return _nodes.Values.Any(n => n.TakesRooms) ? [.. entry.Rooms] : [];
    }

    /// <summary>The node stops, for good: a later start of it is another incarnation. Answers it with the rooms that it had.</summary>
    public LostNode? Leave(MediaNodeId node, DateTimeOffset now)
    {
        foreach (var (earlier, _) in _left.Where(l => now - l.Value >= Remembered).ToArray())
        {
            _left.Remove(earlier);
        }

        _left[node] = now;
        return Remove(node);
    }

    /// <summary>Forgets a node. Answers it with the rooms that it had.</summary>
    public LostNode? Remove(MediaNodeId node) =>
        _nodes.Remove(node, out var entry) ? new LostNode(node, [.. entry.Rooms]) : null;

    /// <summary>
    /// The node's process has ended without a word. Answers it with the rooms that it had; null when it is not in the fleet, or is
    /// draining: such a process ends in its own order, and says so.
    /// </summary>
    public LostNode? End(MediaNodeId node) => _nodes.GetValueOrDefault(node) is { Heartbeat.Draining: false } ? Remove(node) : null;

    /// <summary>Nodes that were silent for longer than <see cref="MediaFleet.LostAfter"/>.</summary>
    public IReadOnlyList<MediaNodeId> Silent(DateTimeOffset now) =>
        [.. _nodes.Where(n => now - n.Value.Seen > MediaFleet.LostAfter).Select(n => n.Key)];

    /// <summary>Whether it is known what became of the node: it lives, or a later start of it does. With null, whether any node lives.</summary>
    public bool Knows(MediaNodeId? node) => node is null ? _nodes.Count > 0 : _nodes.Keys.Any(n => n.Name == node.Name);

    /// <summary>The node for a room: the current one while it lives and does not drain, else the least loaded. Null when there is none.</summary>
    public MediaPlacement? Place(string room, MediaNodeId? current)
    {
        Entry? chosen = null;
        if (current is null || !_nodes.TryGetValue(current, out chosen) || chosen.Heartbeat.Draining)
        {
            chosen?.Release(room);
            chosen = LeastLoaded(_nodes.Values.Where(n => n.TakesRooms));
        }

        if (chosen is null)
        {
            return null;
        }

        return chosen.Take(room);
    }

    /// <summary>
    /// The node for one more participant: 1. of those that the room has, in its order, one that stays within its limit; 2. another
    /// that does, the least loaded; 3. when all are full, the least loaded of the room's, else of all. One that takes no further transport
    /// is the last choice. Null when there is none.
    /// </summary>
    public MediaPlacement? PlaceParticipant(string room, RoomShare[] shares)
    {
        // :: Step 1
        foreach (var share in shares)
        {
            if (!share.IsFull && _nodes.TryGetValue(share.Node, out var entry) && !entry.Heartbeat.Draining && entry.HasRoomFor(share.Consumers, share.Expected))
            {
                return entry.Take(room);
            }
        }

        // :: Step 2
        var least = shares.Length == 0 ? 0 : shares.Min(s => s.Expected);
        var others = _nodes.Values.Where(n => n.TakesRooms && Array.TrueForAll(shares, s => s.Node != n.Heartbeat.Node)).ToArray();
        var chosen = LeastLoaded(others.Where(n => n.HasRoomFor(0, least))) ?? LeastLoaded(others);

        // :: Step 3
        chosen ??= (from share in shares
                    where !share.IsFull
                    let node = _nodes.GetValueOrDefault(share.Node)
                    where node is { Heartbeat.Draining: false }
                    orderby node.FullWith(share.Consumers), node.Load
                    select node).FirstOrDefault()
            ?? LeastLoaded(_nodes.Values.Where(n => !n.Heartbeat.Draining));
        return chosen?.Take(room);
    }

    /// <summary>Rooms that a node has already.</summary>
    public void StateRooms(MediaNodeId node, IEnumerable<string> rooms)
    {
        if (_nodes.TryGetValue(node, out var entry))
        {
            entry.Rooms.UnionWith(rooms);
        }
    }

    /// <summary>The room is no longer on the node.</summary>
    public void Release(string room, MediaNodeId node)
    {
        if (_nodes.TryGetValue(node, out var entry))
        {
            entry.Release(room);
        }
    }

    private static Entry? LeastLoaded(IEnumerable<Entry> nodes) =>
        nodes.OrderBy(n => n.Load).ThenBy(n => n.Heartbeat.Node.Name, StringComparer.Ordinal).FirstOrDefault();

    private sealed class Entry
    {
        private const double LoadOfFull = 1_000;

        /// <summary>Rooms since the last heartbeat, and those of the one before.</summary>
        private HashSet<string> _new = [];
        private HashSet<string> _settling = [];

        public required MediaNodeHeartbeat Heartbeat { get; set; }

        public required IMediaNode Node { get; set; }

        public required DateTimeOffset Seen { get; set; }

        public HashSet<string> Rooms { get; } = [];

        public bool TakesRooms => !Heartbeat.Draining && Heartbeat.Consumers < Heartbeat.MaxConsumers;

        /// <summary>Whether so many more fit; the room's own may be newer than the heartbeat.</summary>
        public bool HasRoomFor(int known, int more) => !Heartbeat.IsFull && Math.Max(Heartbeat.Consumers, known) + more <= Heartbeat.MaxConsumers;

        /// <summary>Consumers by the limit.</summary>
        public double FullWith(int known) => (double)Math.Max(Heartbeat.Consumers, known) / Math.Max(1, Heartbeat.MaxConsumers);

        public MediaPlacement Take(string room)
        {
            if (Rooms.Add(room))
            {
                _new.Add(room);
            }

            return new MediaPlacement(Heartbeat.Node, Node, Heartbeat.Consumers, Heartbeat.MaxConsumers);
        }

        /// <summary>
        /// The greater of CPU and consumer share. Rooms of the last two heartbeats are not, or not wholly, in those figures: each counts
        /// for what a busy room costs, so that many rooms at once do not all go to the node that had a little less to do.
        /// Each other room counts a little as well: equal nodes share evenly. A node without room for a transport comes after all others.
        /// </summary>
        public double Load =>
            (Heartbeat.IsFull ? LoadOfFull : 0) + Math.Max(Heartbeat.CpuLoad, (double)Heartbeat.Consumers / Math.Max(1, Heartbeat.MaxConsumers)) + (Rooms.Count * 0.001) + ((_new.Count + _settling.Count) * 0.1);

        /// <summary>A heartbeat has come: its figures know of the rooms from before the last one.</summary>
        public void Settle()
        {
            (_settling, _new) = (_new, _settling);
            _new.Clear();
        }

        public void Release(string room)
        {
            Rooms.Remove(room);
            _new.Remove(room);
            _settling.Remove(room);
        }
    }
}

/// <summary>A node that is gone, and the rooms that must move.</summary>
public sealed record LostNode(MediaNodeId Node, string[] Rooms);
