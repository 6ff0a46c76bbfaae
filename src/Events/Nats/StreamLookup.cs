using System.Collections.Concurrent;
using System.Text.Json;

namespace VoiceCluster.Events.Nats;

/// <summary>
/// Knows which subjects a JetStream stream keeps, because only those are acknowledged. What it knows is renewed beside
/// the publishing; a subject that is asked for the first time waits for the answer.
/// </summary>
internal sealed class StreamLookup(NatsRequests requests, TimeProvider time)
{
    /// <summary>How often what is known is renewed: a stream made meanwhile keeps events from the first moment, unacknowledged.</summary>
    internal static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(30);

    /// <summary>A server without JetStream says at once that nobody responds; one before 2.2 says nothing.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, bool> _known = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _asking = new(1, 1);
    private long _absentSince;

    /// <summary>Whether a stream keeps the subject and acknowledges it.</summary>
    public async ValueTask<bool> IsKeptAsync(string subject, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue(subject, out var kept))
        {
            return kept;
        }

        await _asking.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_known.TryGetValue(subject, out kept))
            {
                kept = !IsAbsent() && await AskAsync(subject, cancellationToken).ConfigureAwait(false);
                _known[subject] = kept;
            }

            return kept;
        }
        finally
        {
            _asking.Release();
        }
    }

    /// <summary>The stream did not answer: ask anew before the next message.</summary>
    public void Doubt(string subject) => _known.TryRemove(subject, out _);

    /// <summary>Renews what is known until the connection ends.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(RenewEvery, time);
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            Volatile.Write(ref _absentSince, 0);
            foreach (var subject in _known.Keys)
            {
                _known[subject] = !IsAbsent() && await AskAsync(subject, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private bool IsAbsent() => Volatile.Read(ref _absentSince) is not 0 and var since && time.GetElapsedTime(since) < RenewEvery;

    private async Task<bool> AskAsync(string subject, CancellationToken cancellationToken)
    {
        // $JS.API.STREAM.NAMES filters by subject; $JS.API.STREAM.INFO.<name> says whether it acknowledges.
        var names = await RequestAsync("$JS.API.STREAM.NAMES", JsonSerializer.SerializeToUtf8Bytes(new { subject }), cancellationToken).ConfigureAwait(false);
        if (names is null)
        {
            Volatile.Write(ref _absentSince, time.GetTimestamp());
            return false;
        }

        using (names)
        {
            if (!names.RootElement.TryGetProperty("streams", out var streams) || streams.ValueKind != JsonValueKind.Array)
            {
                return false;
            }

            foreach (var stream in streams.EnumerateArray())
            {
                using var info = await RequestAsync($"$JS.API.STREAM.INFO.{stream}", default, cancellationToken).ConfigureAwait(false);
                var isSilent = info is not null
                    && info.RootElement.TryGetProperty("config", out var config)
                    && config.ValueKind == JsonValueKind.Object
                    && config.TryGetProperty("no_ack", out var noAck)
                    && noAck.ValueKind == JsonValueKind.True;
                return info is not null && !isSilent;
            }
        }

        return false;
    }

    private async Task<JsonDocument?> RequestAsync(string subject, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var answer = await requests
            .SendAsync(new NatsPublication(subject, payload), IsObject, AnswerTimeout, cancellationToken).ConfigureAwait(false);
        return answer is { } json ? JsonDocument.Parse(json) : null;
    }

    private static bool IsObject(ReadOnlyMemory<byte> payload)
    {
        try
        {
            using var document = JsonDocument.Parse(payload);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
