using System.Text.Json;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Grains.Calls;

namespace VoiceCluster.Durability.Tests;

/// <summary>One event of a call as it stands in the outbox or came over the bus.</summary>
internal sealed record CallEntry(Guid Id, string Type, long Version, DateTimeOffset Time, DateTimeOffset ExpiresAt, CallStatus Status)
{
    /// <summary>Null for events of other things than calls.</summary>
    public static CallEntry? Read(OutboxEvent stored)
    {
        if (!stored.Subject.StartsWith("call.", StringComparison.Ordinal))
        {
            return null;
        }

        using var json = JsonDocument.Parse(stored.Payload);
        var call = json.RootElement.GetProperty("data").GetProperty("call");
        return new CallEntry(
            json.RootElement.GetProperty("id").GetGuid(),
            stored.Subject,
            call.GetProperty("version").GetInt64(),
            json.RootElement.GetProperty("time").GetDateTimeOffset(),
            call.GetProperty("expires_at").GetDateTimeOffset(),
            Enum.Parse<CallStatus>(call.GetProperty("status").GetString()!, ignoreCase: true));
    }
}

/// <summary>Holds what was stored, what was told to the world and what was told to clients against each other.</summary>
internal static class CallLedger
{
    private static readonly string[] Final = ["ended", "rejected", "missed", "busy"];

    /// <summary>Everything that is wrong, each in a sentence.</summary>
    /// <param name="stored">By call, its state as the store has it after the last restart.</param>
    /// <param name="events">By call, its events in the order in which they were committed.</param>
    /// <param name="confirmed">By call, what clients were told.</param>
    public static IEnumerable<string> Check(
        IReadOnlyDictionary<Guid, string> stored,
        IReadOnlyDictionary<Guid, CallEntry[]> events,
        IReadOnlyDictionary<Guid, string[]> confirmed)
    {
        foreach (var call in stored.Keys.Union(events.Keys).Union(confirmed.Keys))
        {
            if (!stored.TryGetValue(call, out var state))
            {
                yield return events.ContainsKey(call) ? $"{call} has events, but no state." : $"{call} was confirmed and is lost.";
            }
            else if (!events.TryGetValue(call, out var told))
            {
                yield return $"{call} is {state}, but nobody was told.";
            }
            else
            {
                foreach (var fault in CheckOne(state, told, confirmed.GetValueOrDefault(call) ?? []))
                {
                    yield return $"{call}: {fault} [{string.Join(", ", told.Select(e => $"{e.Type} {e.Version}"))}; {state}]";
                }
            }
        }

        foreach (var repeated in events.Values.SelectMany(e => e).GroupBy(e => e.Id).Where(g => g.Count() > 1))
        {
            yield return $"The event {repeated.Key} was committed {repeated.Count()} times.";
        }
    }

    private static IEnumerable<string> CheckOne(string state, CallEntry[] told, string[] confirmed)
    {
        if (!told.Select(e => e.Version).SequenceEqual(Enumerable.Range(1, told.Length).Select(i => (long)i)))
        {
            yield return "its events have gaps or repeat.";
        }

        if (told[0].Status != CallStatus.Ringing)
        {
            yield return "it did not begin with ringing.";
        }

        foreach (var (from, to) in told.Zip(told.Skip(1)))
        {
            if (!IsLegal(from.Status, to.Status))
            {
                yield return $"it went from {from.Status} to {to.Status}.";
            }
        }

        if (!string.Equals(told[^1].Status.ToString(), state, StringComparison.OrdinalIgnoreCase))
        {
            yield return "the last event is not its state.";
        }

        if (!Final.Contains(state))
        {
            yield return "it never ended.";
        }

        var missed = told.Where(e => e.Status == CallStatus.Missed).ToArray();
        if (missed.Length != (state == "missed" ? 1 : 0))
        {
            yield return $"the ring timer fired {missed.Length} times.";
        }

        if (missed.Any(e => e.Time < e.ExpiresAt))
        {
            yield return "the ring timer fired early.";
        }

        var was = told.Select(e => e.Status.ToString().ToLowerInvariant()).ToHashSet();
        foreach (var word in confirmed.Where(c => !was.Contains(c)))
        {
            yield return $"a client was told {word}, which never was.";
        }
    }

    /// <summary>Whether any trigger leads from one state to the other.</summary>
    private static bool IsLegal(CallStatus from, CallStatus to) => Enum.GetValues<CallTrigger>()
        .Select(trigger => CallTransitions.On(from, trigger)).Any(t => t.Verdict == CallVerdict.Move && t.Next == to);
}
