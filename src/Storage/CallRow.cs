using System.Text.Json;
using System.Text.Json.Serialization;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;

namespace VoiceCluster.Storage;

/// <summary>A call as the history keeps it: what it is found by, and the whole of it as JSON.</summary>
/// <param name="CreatedAt">Ticks in UTC, so that no database rounds it.</param>
/// <param name="Status">The state's name in lower case, for people who look.</param>
public sealed record CallRow(Guid Id, Guid ChatId, long CreatedAt, string Status, string Json)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>The row of a call.</summary>
    public static CallRow Of(CallInfo call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return new CallRow(
            call.Id, call.ChatId, call.CreatedAt.UtcTicks, call.Status.ToString().ToLowerInvariant(), JsonSerializer.Serialize(call, Options));
    }

    /// <summary>The call of a row's JSON.</summary>
    public static CallInfo Read(string json) => JsonSerializer.Deserialize<CallInfo>(json, Options)
        ?? throw new StoreException("A call of the history is null.");

    /// <summary>What a page holds of the rows that were read, one more than it may have.</summary>
    internal static CallPage Page(List<string> rows, int limit) => new([.. rows.Take(limit).Select(Read)], rows.Count > limit);

    /// <summary>The refusal of a page after a call that the chat does not have.</summary>
    internal static Fault UnknownCursor() => new(FaultCode.Invalid, "before is no call of this chat.");
}
