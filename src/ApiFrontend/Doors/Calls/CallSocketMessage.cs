using System.Collections.Frozen;
using System.Text.Json;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>What a client asks over the WebSocket.</summary>
internal enum CallSocketRequest
{
    Accept,
    Reject,
    Hangup,
    Connected,
    Signal,
    Ping,
}

/// <summary>A message of a client.</summary>
internal sealed record CallSocketMessage(CallSocketRequest Request, Guid CallId, CallSignalKind Kind, string PayloadJson)
{
    private const int MaxTypeLength = 64;

    /// <summary>Every type of message: what it asks, and for a signal its kind and the member of data that holds it.</summary>
    private static readonly FrozenDictionary<string, (CallSocketRequest Request, CallSignalKind Kind, string? Payload)> Known =
        new Dictionary<string, (CallSocketRequest, CallSignalKind, string?)>
        {
            ["ping"] = (CallSocketRequest.Ping, default, null),
            ["call:accept"] = (CallSocketRequest.Accept, default, null),
            ["call:reject"] = (CallSocketRequest.Reject, default, null),
            ["call:hangup"] = (CallSocketRequest.Hangup, default, null),
            ["call:connected"] = (CallSocketRequest.Connected, default, null),
            ["call:webrtc:offer"] = (CallSocketRequest.Signal, CallSignalKind.Offer, "offer"),
            ["call:webrtc:answer"] = (CallSocketRequest.Signal, CallSignalKind.Answer, "answer"),
            ["call:webrtc:candidate"] = (CallSocketRequest.Signal, CallSignalKind.Candidate, "candidate"),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The types of messages that clients may send.</summary>
    public static IEnumerable<string> Types => Known.Keys;

    /// <summary>Reads a message; what is wrong is an error for the client.</summary>
    public static CallError? Read(ReadOnlyMemory<byte> utf8, out CallSocketMessage message)
    {
        message = new CallSocketMessage(CallSocketRequest.Ping, default, default, "");
        using var document = StrictJson.TryParseObject(utf8);
        if (document is null)
        {
            return new CallError(400, "INVALID_MESSAGE", "A message is a JSON object with type and data.");
        }

        if (StrictJson.TextOf(document.RootElement, "type", MaxTypeLength) is not { } type || !Known.TryGetValue(type, out var known))
        {
            return new CallError(400, "UNKNOWN_TYPE", "The type is missing or unknown.");
        }

        var (request, kind, payload) = known;
        if (request == CallSocketRequest.Ping)
        {
            return null;
        }

        if (!document.RootElement.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Object)
        {
            return new CallError(400, "INVALID_MESSAGE", "data must be an object.");
        }

        if (!CallRequests.TryReadId(data, "call_id", out var callId))
        {
            return CallError.InvalidCallId;
        }

        var json = "";
        if (payload is not null)
        {
            if (!data.TryGetProperty(payload, out var value) || value.ValueKind != JsonValueKind.Object)
            {
                return new CallError(400, "INVALID_MESSAGE", $"data.{payload} must be an object.");
            }

            json = value.GetRawText();
        }

        message = new CallSocketMessage(request, callId, kind, json);
        return null;
    }

    /// <summary>The last message of a server that stops.</summary>
    public static readonly byte[] Restart = """{"type":"server:restart","data":{"message":"This server stops. Connect again."}}"""u8.ToArray();

    /// <summary>A notice as its message.</summary>
    public static byte[]? Write(UserNotice notice) => notice switch
    {
        CallChanged changed => WriteChange(changed),
        CallSignalled signal => WriteSignal(signal),
        _ => null,
    };

    /// <summary>The answer to a ping.</summary>
    public static byte[] WritePong() => """{"type":"pong"}"""u8.ToArray();

    /// <summary>An error, with the call that it is about.</summary>
    public static byte[] WriteError(CallError error, Guid? callId, TimeSpan? retryAfter = null) => JsonSerializer.SerializeToUtf8Bytes(
        new
        {
            Type = "error",
            error.Code,
            error.Message,
            CallId = callId,
            RetryAfter = retryAfter is { } wait ? Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)) : (long?)null,
        },
        CallJson.Options);

    private static byte[] WriteChange(CallChanged changed)
    {
        var type = changed.Change switch
        {
            CallChange.Ringing => "call:initiate",
            CallChange.PartyLeft => "call:participant_left",
            _ => $"call:{CallJson.Name(changed.Change)}",
        };
        return JsonSerializer.SerializeToUtf8Bytes(new { Type = type, Data = CallAnswer.Of(changed.Call, changed.By) }, CallJson.Options);
    }

    private static byte[] WriteSignal(CallSignalled signal)
    {
        var name = CallJson.Name(signal.Kind);
        using MemoryStream buffer = new();
        using (Utf8JsonWriter writer = new(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("type", $"call:webrtc:{name}");
            writer.WriteStartObject("data");
            writer.WriteString("call_id", signal.CallId);
            writer.WriteString("from", signal.From);
            writer.WritePropertyName(name);
            writer.WriteRawValue(signal.PayloadJson);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
