using VoiceCluster.Abstractions.Calls;

namespace VoiceCluster.Grains.Calls;

/// <summary>What can happen to a call as a whole.</summary>
public enum CallTrigger
{
    /// <summary>The first recipient answered.</summary>
    Accept,

    /// <summary>The last recipient who rang refused.</summary>
    Reject,

    /// <summary>The caller gave up, or too few parties are left.</summary>
    Hangup,

    /// <summary>The ring time passed.</summary>
    RingTimeout,

    /// <summary>Every recipient is in another call.</summary>
    AllBusy,

    /// <summary>A party says that media flows.</summary>
    Connected,

    /// <summary>No party has been connected for too long.</summary>
    PartiesGone,
}

/// <summary>What a trigger does in a state.</summary>
public enum CallVerdict
{
    /// <summary>The call goes to the next state.</summary>
    Move,

    /// <summary>Nothing changes, and that is no error.</summary>
    Stay,

    /// <summary>Somebody has answered already.</summary>
    AlreadyAnswered,

    /// <summary>Nobody has answered yet.</summary>
    NotAnswered,

    /// <summary>The call is over.</summary>
    Over,
}

/// <summary>One cell of the table. The reason is set when the next state is final.</summary>
public readonly record struct CallTransition(CallVerdict Verdict, CallStatus Next, CallEndReason? Reason = null);

/// <summary>The state machine of a call as a table; docs/protocols/calls.md shows it.</summary>
public static class CallTransitions
{
    /// <summary>What the trigger does in the state.</summary>
    public static CallTransition On(CallStatus status, CallTrigger trigger) => (status, trigger) switch
    {
        (CallStatus.Ringing, CallTrigger.Accept) => Move(CallStatus.Accepted),
        (CallStatus.Ringing, CallTrigger.Reject) => End(CallStatus.Rejected, CallEndReason.Rejected),
        (CallStatus.Ringing, CallTrigger.Hangup) => End(CallStatus.Ended, CallEndReason.Cancelled),
        (CallStatus.Ringing, CallTrigger.RingTimeout) => End(CallStatus.Missed, CallEndReason.NoAnswer),
        (CallStatus.Ringing, CallTrigger.AllBusy) => End(CallStatus.Busy, CallEndReason.Busy),
        (CallStatus.Ringing, CallTrigger.Connected) => new(CallVerdict.NotAnswered, status),

        // A phone that rings need not be connected: push brings it.
        (CallStatus.Ringing, CallTrigger.PartiesGone) => Stay(status),

        (CallStatus.Accepted, CallTrigger.Connected) => Move(CallStatus.Active),
        (CallStatus.Active, CallTrigger.Connected) => Stay(status),
        (CallStatus.Accepted or CallStatus.Active, CallTrigger.Hangup) => End(CallStatus.Ended, CallEndReason.HungUp),
        (CallStatus.Accepted or CallStatus.Active, CallTrigger.PartiesGone) => End(CallStatus.Ended, CallEndReason.ConnectionLost),
        (CallStatus.Accepted or CallStatus.Active, CallTrigger.RingTimeout) => Stay(status),
        (CallStatus.Accepted or CallStatus.Active, CallTrigger.Accept or CallTrigger.Reject or CallTrigger.AllBusy) =>
            new(CallVerdict.AlreadyAnswered, status),

        // Over: time and repeated goodbyes are no error, an answer is.
        (_, CallTrigger.Hangup or CallTrigger.RingTimeout or CallTrigger.PartiesGone) => Stay(status),
        _ => new(CallVerdict.Over, status),
    };

    private static CallTransition Move(CallStatus next) => new(CallVerdict.Move, next);

    private static CallTransition End(CallStatus next, CallEndReason reason) => new(CallVerdict.Move, next, reason);

    private static CallTransition Stay(CallStatus status) => new(CallVerdict.Stay, status);
}
