using Orleans.Concurrency;

namespace VoiceCluster.Abstractions.Calls;

/// <summary>
/// One call, keyed by its id, from ringing to its end. It calls chats and users; they call back only what interleaves
/// or is one-way, so that no two grains ever wait for each other.
/// </summary>
[Alias("vc.ICallGrain")]
public interface ICallGrain : IGrainWithGuidKey
{
    /// <summary>
    /// Claims chat and users and rings. The claims of one call are taken in the order of user ids, so that of two users
    /// who call each other at once, one call wins and the other is answered with its id.
    /// </summary>
    Task<Outcome<CallStarted>> StartAsync(StartCall request);

    /// <summary>A recipient answers. Of several devices the first wins: Conflict. After the ring time: Gone.</summary>
    Task<Outcome<CallInfo>> AcceptAsync(Guid userId, CallOrigin origin);

    /// <summary>A recipient refuses.</summary>
    Task<Outcome<CallInfo>> RejectAsync(Guid userId, CallOrigin origin);

    /// <summary>A party leaves: the caller cancels, a recipient who is rung refuses. On a call that is over it is no error.</summary>
    Task<Outcome<CallInfo>> HangupAsync(Guid userId);

    /// <summary>A party says that media flows.</summary>
    Task<Outcome<CallInfo>> ConnectedAsync(Guid userId);

    /// <summary>
    /// Passes a signal to the other party, in the order of the calls. What the caller sends while it rings is held and
    /// passed at the answer.
    /// </summary>
    Task<Outcome<Done>> SignalAsync(SendCallSignal signal);

    /// <summary>The call, for one of its parties.</summary>
    [AlwaysInterleave]
    Task<Outcome<CallInfo>> GetAsync(Guid userId);

    /// <summary>The call, for other grains; null when there is none.</summary>
    [AlwaysInterleave]
    Task<CallInfo?> FindAsync();

    /// <summary>The call, for its room; from here on the room is told of parties who leave. Null when there is no call.</summary>
    [AlwaysInterleave]
    Task<CallInfo?> OpenRoomAsync();

    /// <summary>Whether claims of this call still hold: it is not over, or is just being set up.</summary>
    [AlwaysInterleave]
    Task<bool> IsLiveAsync();

    /// <summary>A party's first connection came or its last one went.</summary>
    [OneWay]
    Task PresenceChangedAsync(Guid userId);
}
