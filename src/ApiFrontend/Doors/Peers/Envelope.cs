using System.Text.Encodings.Web;
using System.Text.Json;
using VoiceCluster.Abstractions;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Doors.Peers;

/// <summary>The shape of every answer of this door; the HTTP status is the same.</summary>
internal sealed record Envelope<T>(int Status, string Message, T? Data);

/// <summary>An answer without data: errors, and what has nothing to tell.</summary>
internal sealed record EmptyEnvelope(int Status, string Message, object? Data);

/// <summary>JSON as this door writes it: camelCase, nulls included.</summary>
internal static class PeerJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,

        // Answers are never part of a page; reactions are readable this way.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>200 with data.</summary>
    public static IResult Answer<T>(string message, T data) => Results.Json(new Envelope<T>(StatusCodes.Status200OK, message, data), Options);

    /// <summary>200 without.</summary>
    public static IResult Done(string message) => Results.Json(new EmptyEnvelope(StatusCodes.Status200OK, message, null), Options);

    public static IResult Error(PeerError error) => Results.Json(EnvelopeOf(error), Options, statusCode: error.Status);

    public static EmptyEnvelope EnvelopeOf(PeerError error) => new(error.Status, error.Message, null);

    /// <summary>The outcome as an answer.</summary>
    public static IResult Answer<TValue, TData>(Outcome<TValue> outcome, string message, Func<TValue, TData> describe) =>
        outcome.Fault is { } fault ? Error(PeerError.Of(fault)) : Answer(message, describe(outcome.Value!));

    /// <summary>A time as the wire has it: RFC 3339 in UTC.</summary>
    public static DateTime Time(DateTimeOffset time) => time.UtcDateTime;
}

/// <summary>An error of this door.</summary>
internal sealed record PeerError(int Status, string Message)
{
    public static PeerError Unavailable { get; } = new(503, "the cluster cannot do this now, try again");

    public static PeerError WebSocketRequired { get; } = new(426, "this address is a WebSocket");

    public static PeerError Invalid(string message) => new(400, message);

    /// <summary>A fault of the grains.</summary>
    public static PeerError Of(Fault fault) => new(
        fault.Code switch
        {
            FaultCode.Invalid => 400,
            FaultCode.Unauthenticated => 401,
            FaultCode.Forbidden => 403,
            FaultCode.NotFound => 404,
            FaultCode.Conflict or FaultCode.Full => 409,
            FaultCode.Gone => 410,
            FaultCode.Unsupported => 501,
            _ => 503,
        },
        fault.Message);
}

/// <summary>Refusals of tokens, limits and addresses in the envelope.</summary>
internal sealed class EnvelopeRefusal : IRefusalShape
{
    public static EnvelopeRefusal Instance { get; } = new();

    public Task WriteAsync(HttpContext context, Refusal refusal) => context.Response.WriteAsJsonAsync(
        PeerJson.EnvelopeOf(new PeerError(refusal.Status, refusal.Message)), PeerJson.Options, context.RequestAborted);
}
