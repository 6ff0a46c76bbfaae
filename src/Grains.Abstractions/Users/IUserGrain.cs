using Orleans.Concurrency;
using VoiceCluster.Abstractions.Calls;

namespace VoiceCluster.Abstractions.Users;

/// <summary>One user, keyed by the user id: the connections of its devices, and the call that it is in.</summary>
[Alias("vc.IUserGrain")]
public interface IUserGrain : IGrainWithGuidKey
{
    /// <summary>Takes the user for a call, or answers the claim that is in the way. Taking it twice for one call is no error.</summary>
    Task<ClaimResult> TryEnterCallAsync(CallClaim claim);

    /// <summary>The call that the user is in, without taking anything.</summary>
    Task<ClaimResult> PeekCallAsync();

    /// <summary>Gives the user free if it is in this call.</summary>
    Task LeaveCallAsync(Guid callId);

    /// <summary>A device's connection came. A call that rings for the user is told at once.</summary>
    Task ConnectAsync(UserConnection connection, IUserObserver observer);

    /// <summary>A door says that the connection lives, every <see cref="UserLease.RenewEvery"/>. An unknown one is taken in as one that came.</summary>
    Task RenewAsync(UserConnection connection, IUserObserver observer);

    /// <summary>A connection went.</summary>
    Task DisconnectAsync(Guid connectionId);

    /// <summary>Tells the user's devices, in the order of the calls.</summary>
    Task PushAsync(UserNotice notice, NoticeAudience audience);

    /// <summary>Whether any device is connected.</summary>
    [AlwaysInterleave]
    Task<bool> IsConnectedAsync();
}

/// <summary>What is pushed to a connection's door, in order.</summary>
[Alias("vc.IUserObserver")]
public interface IUserObserver : IGrainObserver
{
    /// <summary>One notice.</summary>
    [OneWay]
    Task OnNoticeAsync(UserNotice notice);
}

/// <summary>How long a connection counts when its door is silent.</summary>
public static class UserLease
{
    /// <summary>Doors renew this often.</summary>
    public static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10);

    /// <summary>A connection that was not renewed for so long is gone.</summary>
    public static readonly TimeSpan Expiry = TimeSpan.FromSeconds(25);
}
