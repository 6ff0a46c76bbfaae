using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Chats;

namespace VoiceCluster.Grains.CallSessions;

/// <summary>The rules of a call session without any runtime: who may do what to whom. Each answers the session as it is afterwards.</summary>
public static class CallSession
{
    /// <summary>The best that a participant can receive.</summary>
    public const int MaxQuality = 100;

    /// <summary>A new session, with its creator as host.</summary>
    public static Outcome<CallSessionInfo> Create(Guid id, NewCallSession request, DateTimeOffset now, TimeSpan maxDuration)
    {
        var duration = request.Duration ?? maxDuration;
        if (duration <= TimeSpan.Zero || duration > maxDuration)
        {
            return new Fault(FaultCode.Invalid, $"A call lasts more than nothing and {maxDuration.TotalHours:0.##} hours at most.");
        }

        return CheckQuality(request.Quality) is { } fault ? fault : new CallSessionInfo(
            id,
            request.Creator,
            request.Type,
            request.Quality,
            now,
            now + duration,
            [new CallParticipant(request.Creator, CallRole.Host, false, request.Quality, now)],
            [],
            [],
            null,
            null,
            null);
    }

    /// <summary>The session with its end noted, if its time is over.</summary>
    public static CallSessionInfo At(CallSessionInfo session, DateTimeOffset now) =>
        session.IsOver || now < session.ExpiresAt ? session : End(session, CallSessionEnd.Expired, session.ExpiresAt);

    /// <summary>It is over.</summary>
    public static CallSessionInfo End(CallSessionInfo session, CallSessionEnd reason, DateTimeOffset now) =>
        session.IsOver ? session : session with { EndedAt = now, EndReason = reason, ActiveRecording = null };

    /// <summary>One more participant, or the same session when the user is in it already.</summary>
    public static Outcome<CallSessionInfo> Join(CallSessionInfo session, ChatUser user, DateTimeOffset now, int maxParticipants)
    {
        if (CheckOpen(session) is { } over)
        {
            return over;
        }

        if (session.Find(user.UserId) is not null)
        {
            return session;
        }

        if (session.Kicked.Contains(user.UserId))
        {
            return new Fault(FaultCode.Forbidden, "The user was put out of the call.");
        }

        return session.Participants.Length >= maxParticipants
            ? new Fault(FaultCode.Full, $"The call is full: {maxParticipants} participants.")
            : session with { Participants = [.. session.Participants, new CallParticipant(user, CallRole.Participant, false, session.Quality, now)] };
    }

    /// <summary>One participant fewer. The last one ends the session; a host hands over.</summary>
    public static Outcome<CallSessionInfo> Leave(CallSessionInfo session, Guid userId, DateTimeOffset now)
    {
        if (CheckOpen(session) is { } over)
        {
            return over;
        }

        if (session.Find(userId) is not { } leaver)
        {
            return NotIn();
        }

        var rest = session with { Participants = [.. session.Participants.Where(p => p != leaver)] };
        if (rest.Participants.Length == 0)
        {
            return End(rest, CallSessionEnd.Empty, now);
        }

        if (leaver.Role == CallRole.Host)
        {
            var heir = rest.Participants.OrderByDescending(p => p.Role).ThenBy(p => p.JoinedAt).First();
            return Replace(rest, heir, heir with { Role = CallRole.Host });
        }

        return rest;
    }

    /// <summary>Mutes or unmutes.</summary>
    public static Outcome<CallSessionInfo> SetMuted(CallSessionInfo session, Guid by, Guid userId, bool muted) =>
        Find(session, by, userId, "mute") is var found && found.Fault is { } fault
            ? fault
            : Replace(session, found.Value!, found.Value! with { Muted = muted });

    /// <summary>Puts out for good.</summary>
    public static Outcome<CallSessionInfo> Kick(CallSessionInfo session, Guid by, Guid userId)
    {
        if (by == userId)
        {
            return CheckOpen(session) ?? new Fault(FaultCode.Invalid, "Who wants to go leaves; nobody puts itself out.");
        }

        var found = Find(session, by, userId, "put out");
        return found.Fault is { } fault ? fault : session with
        {
            Participants = [.. session.Participants.Where(p => p != found.Value)],
            Kicked = [.. session.Kicked, userId],
        };
    }

    /// <summary>Gives a role.</summary>
    public static Outcome<CallSessionInfo> SetRole(CallSessionInfo session, Guid by, Guid userId, CallRole role)
    {
        if (CheckOpen(session) is { } over)
        {
            return over;
        }

        if (session.Find(by) is not { } giver)
        {
            return Stranger();
        }

        if (giver.Role != CallRole.Host)
        {
            return new Fault(FaultCode.Forbidden, "Only the host gives roles.");
        }

        if (session.Find(userId) is not { } target)
        {
            return NotIn();
        }

        if (target == giver)
        {
            return role == CallRole.Host ? session : new Fault(FaultCode.Invalid, "The host makes another participant host instead.");
        }

        var changed = Replace(session, target, target with { Role = role });
        return role == CallRole.Host ? Replace(changed, giver, giver with { Role = CallRole.Moderator }) : changed;
    }

    /// <summary>Sets what a participant receives.</summary>
    public static Outcome<CallSessionInfo> SetQuality(CallSessionInfo session, Guid by, Guid userId, int quality)
    {
        if (CheckQuality(quality) is { } invalid)
        {
            return invalid;
        }

        var found = Find(session, by, userId, "set the quality of");
        return found.Fault is { } fault ? fault : Replace(session, found.Value!, found.Value! with { Quality = quality });
    }

    /// <summary>Null when the user may record.</summary>
    public static Fault? CheckRecorder(CallSessionInfo session, Guid by)
    {
        if (CheckOpen(session) is { } over)
        {
            return over;
        }

        return session.Find(by) switch
        {
            null => Stranger(),
            { Role: CallRole.Participant } => new Fault(FaultCode.Forbidden, "Only the host and moderators record."),
            _ => null,
        };
    }

    /// <summary>Null while the session lives.</summary>
    public static Fault? CheckOpen(CallSessionInfo session) =>
        session.IsOver ? new Fault(FaultCode.Gone, session.EndReason == CallSessionEnd.Expired ? "The call's time is over." : "The call is over.") : null;

    /// <summary>Null when the user may see the session. Without a user the id is enough, where the mode of the doors allows that.</summary>
    public static Fault? CheckReader(CallSessionInfo session, IReadOnlyCollection<Guid> past, Guid? userId) =>
        userId is null || session.Find(userId.Value) is not null || past.Contains(userId.Value) ? null : Stranger();

    /// <summary>Null for who may delete a recording of the session: who records, and who made the session or the recording. Also after the end.</summary>
    public static Fault? CheckDeleter(CallSessionInfo session, IReadOnlyCollection<Guid> past, Guid startedBy, Guid by)
    {
        if (CheckReader(session, past, by) is { } stranger)
        {
            return stranger;
        }

        return by == startedBy || by == session.Creator.UserId || session.Find(by) is { Role: not CallRole.Participant }
            ? null
            : new Fault(FaultCode.Forbidden, "Only the host, moderators and who started the recording delete it.");
    }

    /// <summary>Whom a request is about, if the one who makes it may do so: oneself, or somebody of a lower role.</summary>
    private static Outcome<CallParticipant> Find(CallSessionInfo session, Guid by, Guid userId, string what)
    {
        if (CheckOpen(session) is { } over)
        {
            return over;
        }

        if (session.Find(by) is not { } actor)
        {
            return Stranger();
        }

        if (session.Find(userId) is not { } target)
        {
            return NotIn();
        }

        return by == userId || (actor.Role > target.Role && actor.Role >= CallRole.Moderator)
            ? target
            : new Fault(FaultCode.Forbidden, $"A {actor.Role.ToString().ToLowerInvariant()} may not {what} a {target.Role.ToString().ToLowerInvariant()}.");
    }

    private static CallSessionInfo Replace(CallSessionInfo session, CallParticipant before, CallParticipant after) =>
        session with { Participants = [.. session.Participants.Select(p => p.User.UserId == before.User.UserId ? after : p)] };

    private static Fault? CheckQuality(int quality) =>
        quality is < 0 or > MaxQuality ? new Fault(FaultCode.Invalid, $"quality must be 0 to {MaxQuality}.") : null;

    private static Fault Stranger() => new(FaultCode.Forbidden, "The user is not in the call.");

    private static Fault NotIn() => new(FaultCode.NotFound, "There is no such participant in the call.");
}
