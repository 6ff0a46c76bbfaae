using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Abstractions.Calls;

/// <summary>What happened to a call.</summary>
[GenerateSerializer]
public enum CallChange
{
    /// <summary>It rings at the receiver.</summary>
    Ringing = 0,
    Accepted = 1,

    /// <summary>Another device of the receiver took it.</summary>
    AnsweredElsewhere = 2,
    Rejected = 3,
    Missed = 4,
    Busy = 5,
    Ended = 6,

    /// <summary>Media flows.</summary>
    Connected = 7,

    /// <summary>One party of a group left; the call goes on.</summary>
    PartyLeft = 8,
}

/// <summary>Tells a user of a change.</summary>
/// <param name="By">The party who did it, or null.</param>
[GenerateSerializer, Immutable, Alias("vc.CallChanged")]
public sealed record CallChanged(
    [property: Id(0)] CallChange Change, [property: Id(1)] CallInfo Call, [property: Id(2)] Guid? By) : UserNotice;

/// <summary>A signal of the other party.</summary>
[GenerateSerializer, Immutable, Alias("vc.CallSignalled")]
public sealed record CallSignalled(
    [property: Id(0)] Guid CallId,
    [property: Id(1)] Guid From,
    [property: Id(2)] CallSignalKind Kind,
    [property: Id(3)] string PayloadJson) : UserNotice;
