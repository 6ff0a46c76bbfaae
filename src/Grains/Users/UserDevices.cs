using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Users;

/// <summary>The connections of a user's devices, and which of them a notice is for.</summary>
public sealed class UserDevices(int maxConnections)
{
    private readonly List<Entry> _entries = [];

    /// <summary>Whether any device is connected.</summary>
    public bool IsAny => _entries.Count > 0;

    /// <summary>Whether a connection is known.</summary>
    public bool Knows(Guid connectionId) => _entries.Exists(e => e.Connection.Id == connectionId);

    /// <summary>Notes that a connection lives. True when it is new. Past the limit the one that was silent longest goes.</summary>
    public bool Touch(UserConnection connection, IUserObserver observer, DateTimeOffset now)
    {
        var known = _entries.Find(e => e.Connection.Id == connection.Id);
        if (known is not null)
        {
            known.Observer = observer;
            known.LastSeen = now;
            return false;
        }

        if (_entries.Count >= maxConnections)
        {
            _entries.Remove(_entries.MinBy(e => e.LastSeen)!);
        }

        _entries.Add(new Entry(connection) { Observer = observer, LastSeen = now });
        return true;
    }

    /// <summary>Forgets a connection. False when it is unknown.</summary>
    public bool Remove(Guid connectionId) => _entries.RemoveAll(e => e.Connection.Id == connectionId) > 0;

    /// <summary>Forgets connections whose doors are silent. True when any went.</summary>
    public bool Sweep(DateTimeOffset now) => _entries.RemoveAll(e => now - e.LastSeen >= UserLease.Expiry) > 0;

    /// <summary>Where a notice goes.</summary>
    public IReadOnlyList<IUserObserver> Select(NoticeAudience audience)
    {
        IEnumerable<Entry> entries = _entries;
        if (audience.Only is { } only)
        {
            var meant = Of(only);
            entries = meant.Count > 0 ? meant : entries;
        }

        if (audience.Except is { } except)
        {
            var spared = Of(except);

            // Connections that share a token may be several devices: none of them can be told to be the one.
            var areTold = spared.Count > 1 && except.ConnectionId is null && except.Device.StartsWith(CallOrigin.TokenPrefix, StringComparison.Ordinal);

            // A device that answered over REST from a place of its own still has its only connection.
            var isOnlyOne = _entries.Count == 1 && except.ConnectionId is null;
            entries = areTold ? entries : isOnlyOne ? [] : entries.Except(spared);
        }

        return [.. entries.Select(e => e.Observer)];
    }

    private List<Entry> Of(CallOrigin origin)
    {
        var exact = origin.ConnectionId is null ? [] : _entries.FindAll(e => e.Connection.Id == origin.ConnectionId);
        return exact.Count > 0 ? exact : _entries.FindAll(e => e.Connection.Device == origin.Device);
    }

    private sealed class Entry(UserConnection connection)
    {
        public UserConnection Connection { get; } = connection;

        public required IUserObserver Observer { get; set; }

        public required DateTimeOffset LastSeen { get; set; }
    }
}
