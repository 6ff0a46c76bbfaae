namespace VoiceCluster.Abstractions.Events;

/// <summary>
/// Wakes the dispatcher of this process when something was committed to the outbox. Its presence among the services says
/// that somebody publishes; without it stores keep no events.
/// </summary>
public sealed class OutboxSignal
{
    private volatile TaskCompletionSource _committed = New();

    /// <summary>Something was committed.</summary>
    public void Notify() => _committed.TrySetResult();

    /// <summary>Waits for a commit since the last wait, or until the time has passed.</summary>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        await Task.WhenAny(_committed.Task, Task.Delay(atMost, cancellationToken)).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (_committed.Task.IsCompleted)
        {
            _committed = New();
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
