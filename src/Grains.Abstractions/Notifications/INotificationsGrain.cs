using Orleans.Concurrency;

namespace VoiceCluster.Abstractions.Notifications;

/// <summary>One user's connections that hear of its chats and call sessions, keyed by the user id. Nothing is kept for who does not listen.</summary>
[Alias("vc.INotificationsGrain")]
public interface INotificationsGrain : IGrainWithGuidKey
{
    /// <summary>A connection listens, and says so again every <see cref="NotificationLease.RenewEvery"/>.</summary>
    Task SubscribeAsync(Guid connectionId, INotificationObserver observer);

    /// <summary>A connection listens no more.</summary>
    Task UnsubscribeAsync(Guid connectionId);

    /// <summary>Tells the connections, in the order of the calls.</summary>
    [OneWay]
    Task PushAsync(Notification[] notifications);
}

/// <summary>What is pushed to a connection's door, in order.</summary>
[Alias("vc.INotificationObserver")]
public interface INotificationObserver : IGrainObserver
{
    /// <summary>Notifications in their order.</summary>
    [OneWay]
    Task OnNotificationsAsync(Notification[] notifications);
}

/// <summary>How long a connection counts when its door is silent.</summary>
public static class NotificationLease
{
    /// <summary>Doors renew this often.</summary>
    public static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10);

    /// <summary>A connection that was not renewed for so long is gone.</summary>
    public static readonly TimeSpan Expiry = TimeSpan.FromSeconds(25);
}
