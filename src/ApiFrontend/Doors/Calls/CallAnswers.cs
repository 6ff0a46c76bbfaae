using System.Text.Json;
using System.Text.Json.Serialization;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>A party in an answer.</summary>
internal sealed record PartyAnswer(Guid UserId, string Status);

/// <summary>A call in an answer, and the data of notices.</summary>
internal sealed record CallAnswer
{
    public required Guid Id { get; init; }

    public required Guid CallId { get; init; }

    public required Guid ChatId { get; init; }

    public required Guid CallerId { get; init; }

    /// <summary>The caller's name as its token had it.</summary>
    public string? CallerName { get; init; }

    public required Guid RecipientId { get; init; }

    public required string CallType { get; init; }

    public required string Status { get; init; }

    public required DateTime CreatedAt { get; init; }

    public required DateTime ExpiresAt { get; init; }

    public DateTime? AnsweredAt { get; init; }

    public DateTime? ActiveAt { get; init; }

    public DateTime? EndedAt { get; init; }

    public string? EndReason { get; init; }

    public Guid? EndedBy { get; init; }

    public required PartyAnswer[] Participants { get; init; }

    /// <summary>The room of a group's media.</summary>
    public string? Room { get; init; }

    /// <summary>In notices: who did it.</summary>
    public Guid? By { get; init; }

    public static CallAnswer Of(CallInfo call, Guid? by = null) => new()
    {
        Id = call.Id,
        CallId = call.Id,
        ChatId = call.ChatId,
        CallerId = call.CallerId,
        CallerName = call.CallerName,
        RecipientId = call.Parties[1].UserId,
        CallType = CallJson.Name(call.Type),
        Status = CallJson.Name(call.Status),
        CreatedAt = call.CreatedAt.UtcDateTime,
        ExpiresAt = call.ExpiresAt.UtcDateTime,
        AnsweredAt = call.AnsweredAt?.UtcDateTime,
        ActiveAt = call.ActiveAt?.UtcDateTime,
        EndedAt = call.EndedAt?.UtcDateTime,
        EndReason = call.EndReason is { } reason ? CallJson.Name(reason) : null,
        EndedBy = call.EndedBy,
        Participants = [.. call.Parties.Select(p => new PartyAnswer(p.UserId, CallJson.Name(p.Status)))],
        Room = call.IsGroup ? call.Room : null,
        By = by,
    };
}

/// <summary>A page of the history. <c>next_before</c> asks for the next one.</summary>
internal sealed record CallPageAnswer(CallAnswer[] Calls, bool HasMore, Guid? NextBefore)
{
    public static CallPageAnswer Of(CallPage page) => new(
        [.. page.Calls.Select(c => CallAnswer.Of(c))], page.HasMore, page.HasMore ? page.Calls[^1].Id : null);
}

/// <summary>A chat in an answer.</summary>
internal sealed record ChatAnswer(Guid Id, Guid CreatedBy, Guid[] MemberIds, DateTime CreatedAt, Guid? ActiveCallId)
{
    public static ChatAnswer Of(ChatInfo chat) => new(chat.Id, chat.CreatedBy, chat.MemberIds, chat.CreatedAt.UtcDateTime, chat.ActiveCallId);
}

/// <summary>The inner part of an error.</summary>
internal sealed record ErrorBody(string Code, string Message);

/// <summary>An error over REST. The id is that of the call in the way, for ACTIVE_CALL_EXISTS.</summary>
internal sealed record ErrorAnswer(ErrorBody Error, Guid? CallId);

/// <summary>JSON as this door writes it: snake_case, no nulls.</summary>
internal static class CallJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>An enum's value as the wire has it.</summary>
    public static string Name<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static IResult Answer<T>(T value, int status = StatusCodes.Status200OK) => Results.Json(value, Options, statusCode: status);

    public static IResult Error(CallError error, Guid? callId = null) =>
        Answer(new ErrorAnswer(new ErrorBody(error.Code, error.Message), callId), error.Status);
}

/// <summary>An error of this door: the codes are the same over REST and WebSocket.</summary>
internal sealed record CallError(int Status, string Code, string Message)
{
    public static CallError InvalidCallId { get; } = new(400, "INVALID_CALL_ID", "The call id is not a valid UUID.");

    public static CallError ActiveCall { get; } = new(409, "ACTIVE_CALL_EXISTS", "Another call is already in progress.");

    public static CallError TooMany { get; } =
        new(Refusal.TooManyRequests.Status, Refusal.TooManyRequests.Code, Refusal.TooManyRequests.Message);

    public static CallError Unavailable { get; } = new(503, "UNAVAILABLE", "The cluster cannot do this now. Try again.");

    public static CallError Invalid(string message) => new(400, "INVALID_REQUEST", message);

    /// <summary>Maps a fault of the grains; <paramref name="conflict"/> names what a conflict means for this request.</summary>
    public static CallError Of(Fault fault, string conflict = "CONFLICT") => fault.Code switch
    {
        FaultCode.Invalid or FaultCode.Unsupported => Invalid(fault.Message),
        FaultCode.Unauthenticated => new(401, "UNAUTHENTICATED", fault.Message),
        FaultCode.Forbidden => new(403, "NOT_A_MEMBER", fault.Message),
        FaultCode.NotFound => new(404, "CALL_NOT_FOUND", fault.Message),
        FaultCode.Conflict or FaultCode.Full => new(409, conflict, fault.Message),
        FaultCode.Gone => new(410, "CALL_EXPIRED", fault.Message),
        _ => Unavailable with { Message = fault.Message },
    };
}
