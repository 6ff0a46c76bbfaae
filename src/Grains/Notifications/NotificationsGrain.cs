using VoiceCluster.Abstractions.Notifications;

namespace VoiceCluster.Grains.Notifications;

/// <summary>Hands what it is told to the connections that listen. It keeps nothing: what matters is in the chats and calls themselves.</summary>
public sealed class NotificationsGrain(TimeProvider time) : Grain, INotificationsGrain
{
    /// <summary>Connections of one user. Past it the one that was silent longest is forgotten.</summary>
    private const int MaxConnections = 32;

    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Guid, (INotificationObserver Observer, DateTimeOffset LastSeen)> _connections = [];
    private IGrainTimer? _sweep;

    /// <inheritdoc/>
    public Task SubscribeAsync(Guid connectionId, INotificationObserver observer)
    {
        if (!_connections.ContainsKey(connectionId) && _connections.Count >= MaxConnections)
        {
            _connections.Remove(_connections.MinBy(c => c.Value.LastSeen).Key);
        }

        _connections[connectionId] = (observer, time.GetUtcNow());
        _sweep ??= this.RegisterGrainTimer(Sweep, new GrainTimerCreationOptions(SweepPeriod, SweepPeriod) { KeepAlive = true });
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task UnsubscribeAsync(Guid connectionId)
    {
        _connections.Remove(connectionId);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task PushAsync(Notification[] notifications)
    {
        foreach (var (observer, _) in _connections.Values)
        {
            await observer.OnNotificationsAsync(notifications);
        }
    }

    private Task Sweep()
    {
        var now = time.GetUtcNow();
        foreach (var (id, connection) in _connections.ToArray())
        {
            if (now - connection.LastSeen >= NotificationLease.Expiry)
            {
                _connections.Remove(id);
            }
        }

        if (_connections.Count == 0)
        {
            _sweep?.Dispose();
            _sweep = null;
        }

        return Task.CompletedTask;
    }
}
