using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Grains.Calls;

namespace VoiceCluster.Grains.Tests.Calls;

public sealed class CallTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan RingTime = TimeSpan.FromSeconds(30);
    private static readonly Guid Alice = Guid.Parse("00000000-0000-0000-0000-00000000000a");
    private static readonly Guid Bob = Guid.Parse("00000000-0000-0000-0000-00000000000b");
    private static readonly Guid Carol = Guid.Parse("00000000-0000-0000-0000-00000000000c");
    private static readonly CallOrigin Phone = new("d:phone", null);

    /// <summary>Every operation of the rules, each by every party, on calls in every state.</summary>
    private static readonly (string Name, Func<Call, Guid, Fault?> Run)[] Operations =
    [
        ("accept", (c, u) => c.Accept(u, Phone, Now)),
        ("reject", (c, u) => c.Reject(u, Phone, Now)),
        ("hangup", (c, u) => c.Hangup(u, Now)),
        ("connected", (c, u) => c.Connected(u, Now)),
        ("signal", (c, u) => c.RouteSignal(u).Fault),
        ("expire", (c, _) => c.Expire(Now + RingTime) ? null : null),
        ("gone", (c, _) => c.PartiesGone(Now) ? null : null),
    ];

    [Fact]
    public void Start_OneRecipient_RingsOnlyAtTheRecipient()
    {
        var call = Start(Bob);

        Assert.Equal(CallStatus.Ringing, call.Info.Status);
        Assert.Equal(Now + RingTime, call.Info.ExpiresAt);
        Assert.Equal([(Bob, CallChange.Ringing)], Told(call));
        Assert.Equal(["call.ringing"], Types(call));
    }

    [Fact]
    public void Start_RecipientBusy_IsOverAndTellsOnlyTheCaller()
    {
        var call = Call.Start(Guid.NewGuid(), Request(Bob), [Bob], Now, RingTime);

        Assert.Equal((CallStatus.Busy, CallEndReason.Busy), (call.Info.Status, call.Info.EndReason));
        Assert.Equal([(Alice, CallChange.Busy)], Told(call));
        Assert.Equal(["call.ringing", "call.busy"], Types(call));
    }

    [Fact]
    public void Accept_ByRecipient_TellsTheCallerAndTheOtherDevices()
    {
        var call = Resume(Start(Bob));

        Assert.Null(call.Accept(Bob, Phone, Now));

        Assert.Equal((CallStatus.Accepted, (DateTimeOffset?)Now), (call.Info.Status, call.Info.AnsweredAt));
        Assert.Equal([(Alice, CallChange.Accepted), (Bob, CallChange.AnsweredElsewhere)], Told(call));
        Assert.Equal(Phone, call.Notices[1].Audience.Except);
    }

    [Fact]
    public void Accept_Twice_IsAConflict()
    {
        var call = Resume(Start(Bob));
        Assert.Null(call.Accept(Bob, Phone, Now));

        Assert.Equal(FaultCode.Conflict, call.Accept(Bob, Phone, Now)?.Code);
    }

    [Fact]
    public void Accept_ByCallerOrStranger_IsForbidden()
    {
        var call = Resume(Start(Bob));

        Assert.Equal(FaultCode.Forbidden, call.Accept(Alice, Phone, Now)?.Code);
        Assert.Equal(FaultCode.Forbidden, call.Accept(Carol, Phone, Now)?.Code);
        Assert.Empty(call.Events);
    }

    [Fact]
    public void Accept_AfterTheRingTime_IsGoneAndTheCallIsMissed()
    {
        var call = Resume(Start(Bob));

        Assert.Equal(FaultCode.Gone, call.Accept(Bob, Phone, Now + RingTime)?.Code);

        Assert.Equal(CallStatus.Missed, call.Info.Status);
        Assert.Equal([(Alice, CallChange.Missed), (Bob, CallChange.Missed)], Told(call));
        Assert.Equal(["call.missed"], Types(call));
    }

    [Fact]
    public void Hangup_ByCallerWhileRinging_Cancels()
    {
        var call = Resume(Start(Bob));

        Assert.Null(call.Hangup(Alice, Now));

        Assert.Equal((CallStatus.Ended, CallEndReason.Cancelled, Alice), (call.Info.Status, call.Info.EndReason, call.Info.EndedBy));
        Assert.Equal([(Alice, CallChange.Ended), (Bob, CallChange.Ended)], Told(call));
    }

    [Fact]
    public void Hangup_ByRecipientWhileRinging_Rejects()
    {
        var call = Resume(Start(Bob));

        Assert.Null(call.Hangup(Bob, Now));

        Assert.Equal(CallStatus.Rejected, call.Info.Status);
        Assert.Equal([(Alice, CallChange.Rejected), (Bob, CallChange.Rejected)], Told(call));
    }

    [Fact]
    public void Connected_Twice_IsOneChange()
    {
        var call = Resume(Accepted(Bob));

        Assert.Null(call.Connected(Bob, Now));
        Assert.Null(call.Connected(Alice, Now));

        Assert.Equal(CallStatus.Active, call.Info.Status);
        Assert.Equal(["call.active"], Types(call));
    }

    [Fact]
    public void PartiesGone_WhileRinging_ChangesNothing()
    {
        var call = Resume(Start(Bob));

        Assert.False(call.PartiesGone(Now));
        Assert.Empty(call.Events);
    }

    [Fact]
    public void RouteSignal_CallerWhileRinging_Waits()
    {
        var call = Start(Bob);

        Assert.Null(call.RouteSignal(Alice).Fault);
        Assert.Null(call.RouteSignal(Alice).Value);
        Assert.Equal(FaultCode.Conflict, call.RouteSignal(Bob).Fault?.Code);
    }

    [Fact]
    public void RouteSignal_Accepted_GoesToTheOther()
    {
        var call = Accepted(Bob);

        Assert.Equal(Bob, call.RouteSignal(Alice).Value);
        Assert.Equal(Alice, call.RouteSignal(Bob).Value);
        Assert.Equal(FaultCode.Forbidden, call.RouteSignal(Carol).Fault?.Code);
    }

    [Fact]
    public void Group_OneRejectsOneAccepts_GoesOn()
    {
        var call = Start(Bob, Carol);
        Assert.Null(call.Reject(Bob, Phone, Now));
        Assert.Equal(CallStatus.Ringing, call.Info.Status);
        Assert.Null(call.Accept(Carol, Phone, Now));

        Assert.Equal(CallStatus.Accepted, call.Info.Status);
        Assert.Equal($"call:{call.Info.Id}", call.Info.Room);
    }

    [Fact]
    public void Group_CallerLeavesTwoOthers_GoesOnUntilOneIsLeft()
    {
        var call = Accepted(Bob, Carol);
        Assert.Null(call.Accept(Carol, Phone, Now));

        Assert.Null(call.Hangup(Alice, Now));
        Assert.Equal(CallStatus.Accepted, call.Info.Status);
        Assert.Null(call.Hangup(Bob, Now));
        Assert.Equal((CallStatus.Ended, CallEndReason.HungUp), (call.Info.Status, call.Info.EndReason));
    }

    [Fact]
    public void Group_RingTimePassesAfterAnAnswer_OnlyTheSilentMiss()
    {
        var call = Resume(Accepted(Bob, Carol));

        Assert.True(call.Expire(Now + RingTime));

        Assert.Equal(CallStatus.Accepted, call.Info.Status);
        Assert.Equal(CallPartyStatus.Missed, call.Info.Find(Carol)!.Status);
        Assert.Equal([Carol], call.Freed(Accepted(Bob, Carol).Info));
        Assert.False(call.Expire(Now + RingTime));
    }

    [Fact]
    public void Group_LastOneWhoRangRejectsWhenOneIsLeft_Ends()
    {
        var call = Accepted(Bob, Carol);
        Assert.Null(call.Hangup(Alice, Now));

        Assert.Null(call.Reject(Carol, Phone, Now));

        Assert.Equal(CallStatus.Ended, call.Info.Status);
    }

    /// <summary>Walks every sequence of five operations by every party: no exception, no illegal step, an event for each change.</summary>
    [Fact]
    public void Rules_EverySequenceOfOperations_KeepTheTable()
    {
        var seen = new HashSet<CallStatus>();
        foreach (var recipients in new Guid[][] { [Bob], [Bob, Carol] })
        {
            Guid[] users = [Alice, .. recipients, Guid.Empty];
            var frontier = new Dictionary<string, CallInfo> { [""] = Start(recipients).Info };
            for (var depth = 0; depth < 5; depth++)
            {
                var next = new Dictionary<string, CallInfo>();
                foreach (var info in frontier.Values)
                {
                    foreach (var user in users)
                    {
                        foreach (var (name, run) in Operations)
                        {
                            var call = new Call(info);
                            var fault = run(call, user);
                            AssertLegal(info, call, name, fault);
                            seen.Add(call.Info.Status);
                            next[string.Join(",", call.Info.Parties.Select(p => p.Status)) + call.Info.Status] = call.Info;
                        }
                    }
                }

                frontier = next;
            }
        }

        Assert.Equal(Enum.GetValues<CallStatus>().Except([CallStatus.Busy]).Order(), seen.Order());
    }

    private static void AssertLegal(CallInfo before, Call call, string operation, Fault? fault)
    {
        var after = call.Info;
        var reachable = Enum.GetValues<CallTrigger>().Select(t => CallTransitions.On(before.Status, t).Next).ToHashSet();
        Assert.True(reachable.Contains(after.Status), $"{before.Status} → {after.Status} by {operation}");
        Assert.Equal(after.Version - before.Version, call.Events.Count);
        Assert.Equal(after.IsOver, after.EndReason is not null);
        Assert.Equal(after.IsOver, after.EndedAt is not null);
        if (before.IsOver)
        {
            Assert.Equal(before, after);
        }

        if (after.IsOver)
        {
            Assert.DoesNotContain(after.Parties, p => p.Status is CallPartyStatus.Joined or CallPartyStatus.Ringing);
        }

        if (fault is not null)
        {
            Assert.Empty(call.Events);
        }
    }

    private static StartCall Request(params Guid[] recipients) => new(Guid.NewGuid(), Alice, recipients, CallType.Voice, Phone);

    private static Call Start(params Guid[] recipients) => Call.Start(Guid.NewGuid(), Request(recipients), [], Now, RingTime);

    private static Call Accepted(params Guid[] recipients)
    {
        var call = Start(recipients);
        Assert.Null(call.Accept(recipients[0], Phone, Now));
        return call;
    }

    /// <summary>The same call as the next request sees it: nothing to tell yet.</summary>
    private static Call Resume(Call call) => new(call.Info);

    private static (Guid, CallChange)[] Told(Call call) =>
        [.. call.Notices.Select(n => (n.UserId, ((CallChanged)n.Notice).Change))];

    private static string[] Types(Call call) => [.. call.Events.Select(e => e.Type)];
}
