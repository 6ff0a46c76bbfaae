using System.Collections.Concurrent;
using System.Globalization;

namespace VoiceCluster.Events.Nats;

/// <summary>Requests and their answers over one connection: one subscription for all of them.</summary>
internal sealed class NatsRequests
{
    private readonly INatsLink _link;
    private readonly string _inbox = $"_INBOX.{Guid.NewGuid():N}";
    private readonly ConcurrentDictionary<string, Pending> _pending = new(StringComparer.Ordinal);
    private long _last;

    public NatsRequests(INatsLink link)
    {
        _link = link;
        link.Subscribe($"{_inbox}.*", null, Receive);
    }

    /// <summary>
    /// Publishes with a reply subject and waits for the first answer that <paramref name="isAnswer"/> takes for one:
    /// anybody who listens on the subject may answer. Null when none came in time, or nobody listens.
    /// </summary>
    /// <exception cref="NatsLinkException">The connection was lost meanwhile.</exception>
    public async Task<ReadOnlyMemory<byte>?> SendAsync(
        NatsPublication request, Func<ReadOnlyMemory<byte>, bool> isAnswer, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var token = string.Create(CultureInfo.InvariantCulture, $"{_inbox}.{Interlocked.Increment(ref _last)}");
        var pending = new Pending(isAnswer);
        _pending[token] = pending;
        try
        {
            await _link.PublishAsync(request with { ReplyTo = token }, cancellationToken).ConfigureAwait(false);
            var first = await Task.WhenAny(pending.Answer.Task, _link.Closed).WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
            return first == pending.Answer.Task
                ? await pending.Answer.Task.ConfigureAwait(false)
                : throw new NatsLinkException("The connection was lost before the answer.");
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            _pending.TryRemove(token, out _);
        }
    }

    private void Receive(NatsMessage message)
    {
        if (!_pending.TryGetValue(message.Subject, out var pending))
        {
            return;
        }

        if (message.HasNoResponders)
        {
            pending.Answer.TrySetResult(null);
        }
        else if (pending.IsAnswer(message.Payload))
        {
            pending.Answer.TrySetResult(message.Payload);
        }
    }

    private sealed record Pending(Func<ReadOnlyMemory<byte>, bool> IsAnswer)
    {
        public TaskCompletionSource<ReadOnlyMemory<byte>?> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
