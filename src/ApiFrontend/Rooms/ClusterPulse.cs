namespace VoiceCluster.ApiFrontend.Rooms;

/// <summary>
/// Says that silos came or went. What a grain holds in memory only, such as the connections of a user, is lost with its activation:
/// who holds a lease renews it then, and not only when it is due.
/// </summary>
public sealed class ClusterPulse
{
    /// <summary>Renewals after a change are spread over this, so that they do not come all at once.</summary>
    private static readonly TimeSpan Spread = TimeSpan.FromSeconds(1);

    private volatile TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes at the next change. Taken before a renewal, it misses none that comes during it.</summary>
    public Task Next => _next.Task;

    /// <summary>Silos came or went.</summary>
    public void Beat() => Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    /// <summary>Waits until a renewal is due, or until soon after a change.</summary>
    internal static async Task WaitAsync(Task change, TimeSpan due, TimeProvider time, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (await Task.WhenAny(change, Task.Delay(due, time, waiting.Token)).ConfigureAwait(false) == change)
        {
            await waiting.CancelAsync().ConfigureAwait(false);
            await Task.Delay(Random.Shared.NextDouble() * Spread, time, cancellationToken).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }
}
