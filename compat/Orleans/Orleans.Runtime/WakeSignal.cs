namespace Orleans.Runtime;

/// <summary>Wakes the one loop that waits for it, once for all that was told it meanwhile.</summary>
internal sealed class WakeSignal(TimeProvider time)
{
    private volatile TaskCompletionSource _signalled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Wakes it now, or the next time that it waits.</summary>
    public void Set() => _signalled.TrySetResult();

    /// <summary>Ends when it is signalled, after the time, or when it is cancelled; does not throw.</summary>
    public async Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        await _signalled.Task.WaitAsync(limit, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_signalled.Task.IsCompleted)
        {
            _signalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
