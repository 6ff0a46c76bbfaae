using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace VoiceCluster.Hosting.Health;

/// <summary>
/// Sees at once that another process has ended: the system closes a dead process's connections, and refuses new ones. An idle
/// connection to one of its ports is kept for that. A process that stands still, and a network that is cut, do not look like it.
/// </summary>
public sealed partial class PortWatch(TimeProvider time, ILogger<PortWatch> logger)
{
    /// <summary>Connections in a row that must be refused: a listener that is replaced is away for a moment.</summary>
    private const int Refusals = 3;

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(2);

    /// <summary>Until the next try when a connection cannot be made, or did not last so long.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Watches the port of a URL until the answer is disposed. <paramref name="onEnded"/> is called at most once, when connections are
    /// refused where there was one before.
    /// </summary>
    public IDisposable Watch(Uri url, Action onEnded)
    {
        ArgumentNullException.ThrowIfNull(url);
        ArgumentNullException.ThrowIfNull(onEnded);
        var watching = new Watching();
        _ = WatchAsync(url, onEnded, watching.Token);
        return watching;
    }

    private async Task WatchAsync(Uri url, Action onEnded, CancellationToken cancellationToken)
    {
        var wasOpen = false;
        var refusals = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var since = time.GetTimestamp();
            try
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await ConnectAsync(socket, url, cancellationToken).ConfigureAwait(false);
                (wasOpen, refusals) = (true, 0);
                await UntilClosedAsync(socket, cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                refusals++;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // Lost, or out of reach: whether the process lives, the next connection shows.
                refusals = 0;
                LogAway(logger, url, e.Message);
            }

            if (wasOpen && refusals >= Refusals)
            {
                if (!cancellationToken.IsCancellationRequested)
                {
                    onEnded();
                }

                return;
            }

            var rest = wasOpen && (refusals > 0 || time.GetElapsedTime(since) > Rest) ? Between : Rest;
            await Task.Delay(rest, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ConnectAsync(Socket socket, Uri url, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(ConnectLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        await socket.ConnectAsync(url.IdnHost, url.Port, both.Token).ConfigureAwait(false);
    }

    private static async Task UntilClosedAsync(Socket socket, CancellationToken cancellationToken)
    {
        var nothing = new byte[256];
        while (await socket.ReceiveAsync(nothing, cancellationToken).ConfigureAwait(false) > 0)
        {
            // It has nothing to say to us; whatever it says, it lives.
        }
    }

    [LoggerMessage(5001, LogLevel.Debug, "The connection to {Url} is away: {Reason}")]
    private static partial void LogAway(ILogger logger, Uri url, string reason);

    private sealed class Watching : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();

        public CancellationToken Token => _stop.Token;

        public void Dispose() => _stop.Cancel();
    }
}
