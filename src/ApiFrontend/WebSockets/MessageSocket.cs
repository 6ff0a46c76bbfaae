using System.Net.WebSockets;
using System.Threading.Channels;
using VoiceCluster.ApiFrontend.Rooms;

namespace VoiceCluster.ApiFrontend.WebSockets;

/// <summary>
/// One WebSocket of a door whose messages are whole texts. What the client says is handled one message after the other, in
/// its order; what it is told leaves in the order of <see cref="Send"/>. It ends with a close frame that says why.
/// </summary>
internal sealed partial class MessageSocket(
    WebSocket webSocket, string who, MessageSocketLimits limits, ClusterPulse pulse, TimeProvider time, ILogger<MessageSocket> logger) : IDisposable
{
    /// <summary>The close code of a connection whose token is over (RFC 6455 §7.4.2: 4000 to 4999 are the application's).</summary>
    public const WebSocketCloseStatus TokenExpired = (WebSocketCloseStatus)4401;

    /// <summary>The close code of a process that stops: connect again, to another (the registry of RFC 6455 §11.7).</summary>
    public const WebSocketCloseStatus ServiceRestart = (WebSocketCloseStatus)1012;

    private static readonly TimeSpan RetryRenewalAfter = TimeSpan.FromSeconds(1);

    // After the close frame nobody waits longer for a peer that is gone.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly Channel<byte[]> _outgoing = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(limits.MaxQueued) { SingleReader = true });

    // The first asks for a goodbye. The second, soon after, cuts the line: cancelling a read or write of a WebSocket aborts it.
    private readonly CancellationTokenSource _end = new();
    private readonly CancellationTokenSource _abort = new(Timeout.InfiniteTimeSpan, time);
    private readonly Lock _ending = new();
    private WebSocketCloseStatus _status = WebSocketCloseStatus.NormalClosure;
    private string? _why;
    private volatile bool _hasEnded;

    /// <summary>Whether it ends because the process does: the client is expected back at another.</summary>
    public bool EndsForRestart => _hasEnded && _status == ServiceRestart;

    /// <summary>Tells the client something. What comes after the goodbye is dropped.</summary>
    public void Send(byte[] utf8)
    {
        if (!_outgoing.Writer.TryWrite(utf8) && !_hasEnded)
        {
            LogTooSlow(logger, who, limits.MaxQueued);
            Close(WebSocketCloseStatus.PolicyViolation);
        }
    }

    /// <summary>Says goodbye, and soon after cuts the line. The first reason counts.</summary>
    public void Close(WebSocketCloseStatus status, string? why = null)
    {
        lock (_ending)
        {
            if (_hasEnded)
            {
                return;
            }

            _hasEnded = true;
            _status = status;
            _why = why;
            _abort.CancelAfter(CloseTimeout);
        }

        _end.Cancel();
    }

    /// <summary>Serves the connection until it ends.</summary>
    public async Task RunAsync(IMessageHandler handler)
    {
        try
        {
            await handler.ConnectAsync().ConfigureAwait(false);
            var receiving = ReceiveAsync(handler);
            await Task.WhenAll(SendAsync(), RenewAsync(handler)).ConfigureAwait(false);
            await GoodbyeAsync(handler).ConfigureAwait(false);
            await receiving.ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogUnavailable(logger, e, who);
            Close(WebSocketCloseStatus.InternalServerError);
            await GoodbyeAsync(handler).ConfigureAwait(false);
        }
        finally
        {
            Close(WebSocketCloseStatus.NormalClosure);
            await DisconnectAsync(handler).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.Dispose();
        _abort.Dispose();
    }

    private async Task ReceiveAsync(IMessageHandler handler)
    {
        var buffer = new byte[4096];
        using MemoryStream message = new();
        try
        {
            while (true)
            {
                var received = await webSocket.ReceiveAsync(buffer.AsMemory(), _abort.Token).ConfigureAwait(false);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }

                if (_hasEnded)
                {
                    // Nothing is carried out after the goodbye; what still comes is read until the peer's own.
                    continue;
                }

                if (message.Length + received.Count > limits.MaxMessageBytes)
                {
                    Close(WebSocketCloseStatus.MessageTooBig);
                    continue;
                }

                message.Write(buffer, 0, received.Count);
                if (received.EndOfMessage)
                {
                    await handler.HandleAsync(message.GetBuffer().AsMemory(0, (int)message.Length)).ConfigureAwait(false);
                    message.SetLength(0);
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            LogGone(logger, who, e.Message);
        }
        finally
        {
            Close(WebSocketCloseStatus.NormalClosure);
        }
    }

    private async Task SendAsync()
    {
        try
        {
            await foreach (var message in _outgoing.Reader.ReadAllAsync(_end.Token).ConfigureAwait(false))
            {
                await webSocket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, _abort.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            Close(WebSocketCloseStatus.NormalClosure);
        }
    }

    private async Task RenewAsync(IMessageHandler handler)
    {
        var due = handler.RenewEvery;
        var change = pulse.Next;
        try
        {
            while (true)
            {
                await ClusterPulse.WaitAsync(change, due, time, _end.Token).ConfigureAwait(false);
                change = pulse.Next;
                due = handler.RenewEvery;
                try
                {
                    await handler.RenewAsync().ConfigureAwait(false);
                }
                catch (Exception e) when (e is TimeoutException or OrleansException)
                {
                    // Soon again: the user's new silo takes the connection in.
                    LogUnavailable(logger, e, who);
                    due = RetryRenewalAfter;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The connection has ended.
            return;
        }
    }

    private async Task GoodbyeAsync(IMessageHandler handler)
    {
        if (webSocket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            try
            {
                if (_status == ServiceRestart && handler.Farewell is { } farewell)
                {
                    await webSocket.SendAsync(farewell, WebSocketMessageType.Text, endOfMessage: true, _abort.Token).ConfigureAwait(false);
                }

                await webSocket.CloseOutputAsync(_status, _why, _abort.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException)
            {
                LogGone(logger, who, e.Message);
            }
        }
    }

    private async Task DisconnectAsync(IMessageHandler handler)
    {
        try
        {
            await handler.DisconnectAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // The lease ends the connection instead.
            LogUnavailable(logger, e, who);
        }
    }

    [LoggerMessage(3400, LogLevel.Warning, "{Who}: a request over the socket failed")]
    private static partial void LogUnavailable(ILogger logger, Exception exception, string who);

    [LoggerMessage(3401, LogLevel.Warning, "{Who}: the socket is {Count} messages behind and is closed")]
    private static partial void LogTooSlow(ILogger logger, string who, int count);

    [LoggerMessage(3402, LogLevel.Debug, "{Who}: the socket is gone ({Error})")]
    private static partial void LogGone(ILogger logger, string who, string error);
}
