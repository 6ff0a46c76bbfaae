using VoiceCluster.Abstractions.Calls;

namespace VoiceCluster.Durability.Tests;

/// <summary>A checker that finds nothing proves nothing: each fault is put in and must be found.</summary>
public sealed class CallLedgerTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly Guid _call = Guid.NewGuid();

    [Fact]
    public void Check_AnHonestLedger_FindsNothing() => Assert.Empty(
        Check("ended", ["ringing", "accepted", "ended"], Told(CallStatus.Ringing, CallStatus.Accepted, CallStatus.Active, CallStatus.Ended)));

    [Fact]
    public void Check_MissedCall_FindsNothing() => Assert.Empty(Check("missed", ["ringing"], Told(CallStatus.Ringing, CallStatus.Missed)));

    [Fact]
    public void Check_EventsWithoutAState_IsFound() => AssertFound("no state", Check(null, [], Told(CallStatus.Ringing)));

    [Fact]
    public void Check_ConfirmedCallIsLost_IsFound() => AssertFound("is lost", Check(null, ["ringing"], []));

    [Fact]
    public void Check_StateWithoutEvents_IsFound() => AssertFound("nobody was told", Check("ended", [], []));

    [Fact]
    public void Check_AMissingEvent_IsFound() =>
        AssertFound("gaps", Check("ended", [], [.. Told(CallStatus.Ringing, CallStatus.Accepted, CallStatus.Ended).Where(e => e.Version != 2)]));

    [Fact]
    public void Check_EventsOutOfOrder_AreFound() =>
        AssertFound("gaps", Check("ended", [], [.. Told(CallStatus.Ringing, CallStatus.Accepted, CallStatus.Ended).Reverse()]));

    [Fact]
    public void Check_AnIllegalStep_IsFound() =>
        AssertFound("from Missed to Accepted", Check("accepted", [], Told(CallStatus.Ringing, CallStatus.Missed, CallStatus.Accepted)));

    [Fact]
    public void Check_RingTimerThatFiredTwice_IsFound() =>
        AssertFound("2 times", Check("missed", [], Told(CallStatus.Ringing, CallStatus.Missed, CallStatus.Missed)));

    [Fact]
    public void Check_RingTimerThatFiredEarly_IsFound() => AssertFound(
        "early", Check("missed", [], [.. Told(CallStatus.Ringing, CallStatus.Missed).Select(e => e with { ExpiresAt = Now.AddHours(1) })]));

    [Fact]
    public void Check_ACallThatStillRings_IsFound() => AssertFound("never ended", Check("ringing", [], Told(CallStatus.Ringing)));

    [Fact]
    public void Check_StateOfAnotherEvent_IsFound() => AssertFound("last event", Check("rejected", [], Told(CallStatus.Ringing, CallStatus.Missed)));

    [Fact]
    public void Check_AConfirmedStateThatNeverWas_IsFound() =>
        AssertFound("told accepted", Check("missed", ["ringing", "accepted"], Told(CallStatus.Ringing, CallStatus.Missed)));

    private static void AssertFound(string what, IEnumerable<string> faults) =>
        Assert.Contains(faults, f => f.Contains(what, StringComparison.Ordinal));

    private static CallEntry[] Told(params CallStatus[] states) =>
        [.. states.Select((s, i) => new CallEntry(Guid.NewGuid(), "call." + s.ToString().ToLowerInvariant(), i + 1, Now.AddSeconds(i), Now.AddSeconds(1), s))];

    private string[] Check(string? state, string[] confirmed, CallEntry[] told) =>
    [
        .. CallLedger.Check(
            state is null ? new Dictionary<Guid, string>() : new Dictionary<Guid, string> { [_call] = state },
            told.Length == 0 ? new Dictionary<Guid, CallEntry[]>() : new Dictionary<Guid, CallEntry[]> { [_call] = told },
            confirmed.Length == 0 ? new Dictionary<Guid, string[]>() : new Dictionary<Guid, string[]> { [_call] = confirmed }),
    ];
}
