using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Calls;

/// <summary>
/// The rules of a call without any runtime: who may do what, which state follows, who is told, which events tell it.
/// One instance serves one request: the grain stores <see cref="Info"/> with <see cref="Events"/> and then sends
/// <see cref="Notices"/>; when the store refuses, it throws the instance away and nothing has happened.
/// </summary>
public sealed class Call(CallInfo info)
{
    private readonly List<DomainEvent> _events = [];
    private readonly List<CallNotice> _notices = [];

    /// <summary>The call as it is now.</summary>
    public CallInfo Info { get; private set; } = info;

    /// <summary>Events of the changes, in order.</summary>
    public IReadOnlyList<DomainEvent> Events => _events;

    /// <summary>Whom to tell, in order.</summary>
    public IReadOnlyList<CallNotice> Notices => _notices;

    /// <summary>Users who are out of the call since this instance was made.</summary>
    public IEnumerable<Guid> Freed(CallInfo? before) => Info.Parties
        .Where(p => IsOut(p) && before?.Find(p.UserId) is { } was && !IsOut(was))
        .Select(p => p.UserId);

    /// <summary>Begins a call. Recipients who are busy do not ring; when all are, the call is over at once.</summary>
    public static Call Start(Guid id, StartCall request, IReadOnlyCollection<Guid> busy, DateTimeOffset now, TimeSpan ringTime)
    {
        CallParty[] parties =
        [
            new(request.CallerId, CallPartyStatus.Joined),
            .. request.RecipientIds.Select(r => new CallParty(r, busy.Contains(r) ? CallPartyStatus.Busy : CallPartyStatus.Ringing)),
        ];
        var call = new Call(new CallInfo(
            id, request.ChatId, request.Type, CallStatus.Ringing, parties, now, now + ringTime, null, null, null, null, null, 0)
        {
            CallerName = request.CallerName,
        });
        call.Emit("call.ringing", request.CallerId, now);
        foreach (var party in parties.Where(p => p.Status == CallPartyStatus.Ringing))
        {
            call.Tell(party.UserId, CallChange.Ringing, request.CallerId);
        }

        if (busy.Count == request.RecipientIds.Length)
        {
            call.Apply(CallTransitions.On(CallStatus.Ringing, CallTrigger.AllBusy), null, now);
            call.Tell(request.CallerId, CallChange.Busy, null);
        }

        return call;
    }

    /// <summary>A recipient answers.</summary>
    public Fault? Accept(Guid userId, CallOrigin origin, DateTimeOffset now)
    {
        if (CheckRecipient(userId, now) is { } fault)
        {
            return fault;
        }

        SetParty(userId, CallPartyStatus.Joined);
        if (Info.Status == CallStatus.Ringing)
        {
            Info = Info with { AnsweredAt = now };
            Apply(CallTransitions.On(CallStatus.Ringing, CallTrigger.Accept), userId, now);
        }
        else
        {
            Emit("call.party.joined", userId, now);
        }

        TellOthers(userId, CallChange.Accepted);
        Tell(userId, CallChange.AnsweredElsewhere, userId, new NoticeAudience(Except: origin));
        return null;
    }

    /// <summary>A recipient refuses.</summary>
    public Fault? Reject(Guid userId, CallOrigin? origin, DateTimeOffset now)
    {
        if (CheckRecipient(userId, now) is { } fault)
        {
            return fault;
        }

        SetParty(userId, CallPartyStatus.Rejected);
        if (Info.Status == CallStatus.Ringing && !Info.Parties.Skip(1).Any(IsIn))
        {
            Apply(CallTransitions.On(Info.Status, CallTrigger.Reject), userId, now);
        }
        else if (Info.Parties.Count(IsIn) < 2)
        {
            // Of a group only one is left, who waited for this user.
            End(CallTrigger.Hangup, userId, now);
            return null;
        }
        else
        {
            Emit("call.party.rejected", userId, now);
        }

        TellOthers(userId, CallChange.Rejected);
        Tell(userId, CallChange.Rejected, userId, new NoticeAudience(Except: origin));
        return null;
    }

    /// <summary>A party leaves.</summary>
    public Fault? Hangup(Guid userId, DateTimeOffset now)
    {
        if (Info.Find(userId) is not { } party)
        {
            return NotAParty();
        }

        Expire(now);
        if (Info.IsOver || IsOut(party))
        {
            return null;
        }

        if (party.Status == CallPartyStatus.Ringing)
        {
            return Reject(userId, null, now);
        }

        SetParty(userId, CallPartyStatus.Left);
        var joined = Info.Parties.Count(p => p.Status == CallPartyStatus.Joined);
        var goesOn = Info.Status != CallStatus.Ringing && Info.Parties.Count(IsIn) >= 2 && joined >= 1;
        if (goesOn)
        {
            Emit("call.party.left", userId, now);
            TellOthers(userId, CallChange.PartyLeft);
            return null;
        }

        End(CallTrigger.Hangup, userId, now);
        return null;
    }

    /// <summary>A party says that media flows.</summary>
    public Fault? Connected(Guid userId, DateTimeOffset now)
    {
        if (Info.Find(userId) is not { } party)
        {
            return NotAParty();
        }

        Expire(now);
        var transition = CallTransitions.On(Info.Status, CallTrigger.Connected);
        if (transition.Verdict == CallVerdict.Over)
        {
            return Over();
        }

        if (transition.Verdict == CallVerdict.NotAnswered || party.Status != CallPartyStatus.Joined)
        {
            return new Fault(FaultCode.Conflict, "The call is not answered yet.");
        }

        if (transition.Verdict == CallVerdict.Move)
        {
            Info = Info with { ActiveAt = now };
            Apply(transition, userId, now);
            TellOthers(userId, CallChange.Connected);
            Tell(userId, CallChange.Connected, userId);
        }

        return null;
    }

    /// <summary>Stops what still rings when the ring time has passed. True when something changed.</summary>
    public bool Expire(DateTimeOffset now)
    {
        if (Info.IsOver || now < Info.ExpiresAt || !Info.Parties.Any(p => p.Status == CallPartyStatus.Ringing))
        {
            return false;
        }

        Guid[] missed = [.. Info.Parties.Where(p => p.Status == CallPartyStatus.Ringing).Select(p => p.UserId)];
        foreach (var userId in missed)
        {
            SetParty(userId, CallPartyStatus.Missed);
        }

        var transition = CallTransitions.On(Info.Status, CallTrigger.RingTimeout);
        if (transition.Verdict == CallVerdict.Move)
        {
            Apply(transition, null, now);
            Tell(Info.CallerId, CallChange.Missed, null);
        }
        else if (Info.Parties.Count(IsIn) < 2)
        {
            // Of a group only one is left, who waited for those who still rang.
            End(CallTrigger.Hangup, null, now);
        }
        else
        {
            Emit("call.party.missed", null, now);
        }

        foreach (var userId in missed)
        {
            Tell(userId, CallChange.Missed, null);
        }

        return true;
    }

    /// <summary>No party has been connected for too long.</summary>
    public bool PartiesGone(DateTimeOffset now)
    {
        if (CallTransitions.On(Info.Status, CallTrigger.PartiesGone).Verdict != CallVerdict.Move)
        {
            return false;
        }

        End(CallTrigger.PartiesGone, null, now);
        return true;
    }

    /// <summary>Where a signal of a party goes; null when the caller's signal must wait for the answer.</summary>
    public Outcome<Guid?> RouteSignal(Guid from)
    {
        if (Info.Find(from) is not { } party)
        {
            return NotAParty();
        }

        if (Info.IsOver)
        {
            return Over();
        }

        if (Info.IsGroup)
        {
            return new Fault(FaultCode.Conflict, $"A group call has its media in the room {Info.Room}.");
        }

        if (Info.Status != CallStatus.Ringing)
        {
            return Info.Parties.First(p => p.UserId != from).UserId;
        }

        return party.UserId == Info.CallerId ? (Guid?)null : new Fault(FaultCode.Conflict, "The call is not answered yet.");
    }

    private static bool IsOut(CallParty party) => party.Status is not (CallPartyStatus.Joined or CallPartyStatus.Ringing);

    private static bool IsIn(CallParty party) => !IsOut(party);

    private static Fault NotAParty() => new(FaultCode.Forbidden, "The user has no part in this call.");

    private static Fault Over() => new(FaultCode.Gone, "The call is over.");

    private Fault? CheckRecipient(Guid userId, DateTimeOffset now)
    {
        if (Info.Find(userId) is null)
        {
            return NotAParty();
        }

        if (userId == Info.CallerId)
        {
            return new Fault(FaultCode.Forbidden, "Only a recipient can answer the call.");
        }

        Expire(now);
        if (Info.IsOver)
        {
            return Over();
        }

        return Info.Find(userId)!.Status switch
        {
            CallPartyStatus.Ringing => null,
            CallPartyStatus.Joined => new Fault(FaultCode.Conflict, "The call is answered already."),
            _ => new Fault(FaultCode.Gone, "The call does not ring for this user any more."),
        };
    }

    /// <summary>Ends the call and tells everybody who was in it.</summary>
    private void End(CallTrigger trigger, Guid? by, DateTimeOffset now)
    {
        Guid[] told = [.. Info.Parties.Where(p => IsIn(p) || p.UserId == by).Select(p => p.UserId)];
        Apply(CallTransitions.On(Info.Status, trigger), by, now);
        foreach (var userId in told)
        {
            Tell(userId, CallChange.Ended, by);
        }
    }

    private void Apply(CallTransition transition, Guid? by, DateTimeOffset now)
    {
        if (transition.Verdict != CallVerdict.Move)
        {
            throw new InvalidOperationException($"Call {Info.Id} is {Info.Status}: the change was not checked.");
        }

        Info = Info with { Status = transition.Next };
        if (transition.Reason is { } reason)
        {
            Info = Info with
            {
                EndedAt = now,
                EndReason = reason,
                EndedBy = by,
                Parties = [.. Info.Parties.Select(p => p.Status switch
                {
                    CallPartyStatus.Joined => p with { Status = CallPartyStatus.Left },
                    CallPartyStatus.Ringing => p with { Status = CallPartyStatus.Missed },
                    _ => p,
                })],
            };
        }

        Emit($"call.{transition.Next.ToString().ToLowerInvariant()}", by, now);
    }

    private void SetParty(Guid userId, CallPartyStatus status) => Info = Info with
    {
        Parties = [.. Info.Parties.Select(p => p.UserId == userId ? p with { Status = status } : p)],
    };

    private void Emit(string type, Guid? by, DateTimeOffset now)
    {
        Info = Info with { Version = Info.Version + 1 };
        _events.Add(new CallEvent(Guid.CreateVersion7(now), type, Info.Id.ToString(), now, Info, by));
    }

    /// <summary>Tells everybody who has joined, and the caller also when the change has just ended the call.</summary>
    private void TellOthers(Guid userId, CallChange change)
    {
        foreach (var party in Info.Parties.Where(p => p.UserId != userId))
        {
            if (party.Status == CallPartyStatus.Joined || (Info.IsOver && party.UserId == Info.CallerId))
            {
                Tell(party.UserId, change, userId);
            }
        }
    }

    private void Tell(Guid userId, CallChange change, Guid? by, NoticeAudience? audience = null) =>
        _notices.Add(new CallNotice(userId, new CallChanged(change, Info, by), audience ?? NoticeAudience.Everyone));
}
