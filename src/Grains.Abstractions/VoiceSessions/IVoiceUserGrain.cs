using Orleans.Concurrency;

namespace VoiceCluster.Abstractions.VoiceSessions;

/// <summary>One user of voice, keyed by the user id: its one session, whether it is banned, and the connections that hear of it.</summary>
[Alias("vc.IVoiceUserGrain")]
public interface IVoiceUserGrain : IGrainWithGuidKey
{
    /// <summary>Joins a channel with a new session. A session that the user has already ends as Moved.</summary>
    Task<Outcome<VoiceSessionJoined>> JoinAsync(JoinVoice request);

    /// <summary>The session that the user has now, or null.</summary>
    Task<VoiceSessionInfo?> FindSessionAsync();

    /// <summary>A session is over.</summary>
    [OneWay]
    Task SessionEndedAsync(Guid sessionId);

    /// <summary>Keeps the user out of every channel and ends its session.</summary>
    Task BanAsync();

    /// <summary>Lets the user in again.</summary>
    Task UnbanAsync();

    /// <summary>A connection listens, and says so again every <see cref="VoiceLease.RenewEvery"/>. A new one is told the state at once.</summary>
    Task SubscribeAsync(Guid connectionId, IVoiceObserver observer);

    /// <summary>A connection listens no more.</summary>
    Task UnsubscribeAsync(Guid connectionId);

    /// <summary>Tells the connections, in the order of the calls.</summary>
    [OneWay]
    Task PushAsync(VoiceNotice[] notices);
}

/// <summary>What is pushed to a connection's door, in order.</summary>
[Alias("vc.IVoiceObserver")]
public interface IVoiceObserver : IGrainObserver
{
    /// <summary>Notices in their order.</summary>
    [OneWay]
    Task OnNoticesAsync(VoiceNotice[] notices);
}

/// <summary>How long a connection counts when its door is silent.</summary>
public static class VoiceLease
{
    /// <summary>Doors renew this often.</summary>
    public static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10);

    /// <summary>A connection that was not renewed for so long is gone.</summary>
    public static readonly TimeSpan Expiry = TimeSpan.FromSeconds(25);
}
