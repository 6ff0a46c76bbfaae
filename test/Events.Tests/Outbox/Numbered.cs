using System.Text;
using System.Text.Json;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Events.Tests.Outbox;

/// <summary>Events that carry key and number, and the check that all of them came in order.</summary>
internal static class Numbered
{
    /// <summary>Event <paramref name="number"/> of a key.</summary>
    public static OutboxEvent Event(string key, int number, string subject = "test.numbered")
    {
        var id = Guid.NewGuid();
        return new OutboxEvent(id, subject, key, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { id, key, number })));
    }

    /// <summary>Events 0 to <paramref name="each"/> of each of some keys, mixed.</summary>
    public static OutboxEvent[] Events(int keys, int each, string subject = "test.numbered", int from = 0) =>
        [.. Enumerable.Range(from, each).SelectMany(n => Enumerable.Range(0, keys).Select(k => Event($"key-{k}", n, subject)))];

    /// <summary>Appends in pieces, as commits do.</summary>
    public static async Task AppendInPiecesAsync(this IOutboxStore store, OutboxEvent[] events, OutboxSignal? signal = null, int piece = 500)
    {
        foreach (var some in events.Chunk(piece))
        {
            await store.AppendAsync(some, default);
            signal?.Notify();
        }
    }

    /// <summary>
    /// Drops repetitions by id, as consumers do, and asserts that exactly the expected events are there, those of each key
    /// in order. Answers how many repetitions there were.
    /// </summary>
    public static int AssertComplete(IEnumerable<byte[]> messages, IReadOnlyCollection<OutboxEvent> expected)
    {
        var seen = new HashSet<Guid>();
        var last = new Dictionary<string, int>();
        var repetitions = 0;
        foreach (var message in messages.Select(m => JsonSerializer.Deserialize<JsonElement>(m)))
        {
            if (!seen.Add(message.GetProperty("id").GetGuid()))
            {
                repetitions++;
                continue;
            }

            var (key, number) = (message.GetProperty("key").GetString()!, message.GetProperty("number").GetInt32());
            Assert.True(number == last.GetValueOrDefault(key, -1) + 1, $"{key}: {number} came after {last.GetValueOrDefault(key, -1)}");
            last[key] = number;
        }

        Assert.Equal(expected.Select(e => e.Id).ToHashSet(), seen);
        return repetitions;
    }
}
