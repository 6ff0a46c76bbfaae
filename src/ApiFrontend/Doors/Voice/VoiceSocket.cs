using System.Net.WebSockets;
using System.Threading.Channels;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>
/// One listener to a user's channel. It tells, and takes nothing but pings; what it tells leaves in the order in which the
/// cluster said it.
/// </summary>
internal sealed partial class VoiceSocket(
    WebSocket webSocket, Guid userId, IGrainFactory grains, TimeProvider time, ILogger<VoiceSocket> logger) : IVoiceObserver
{
    /// <summary>The longest message of a client, which has nothing to say but ping.</summary>
    public const int MaxMessageBytes = 4 * 1024;

    // A client that is further behind is closed: it has lost more than it can catch up with.
    private const int MaxQueued = 4096;

    // WebSocket close codes for applications (RFC 6455 §7.4.2).
    private const WebSocketCloseStatus TokenExpired = (WebSocketCloseStatus)4401;

    // Registered by IANA beside those of RFC 6455 §7.4.1: the server restarts, and the client may connect again.
    private const WebSocketCloseStatus ServiceRestart = (WebSocketCloseStatus)1012;

    // After the close frame nobody waits longer for a peer that is gone.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly Guid _id = Guid.NewGuid();
    private readonly Channel<byte[]> _outgoing = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxQueued) { SingleReader = true });

    // The first asks for a goodbye. The second, soon after, cuts the line: cancelling a read or write of a WebSocket aborts it.
    private readonly CancellationTokenSource _end = new();
    private readonly CancellationTokenSource _abort = new(Timeout.InfiniteTimeSpan, time);
    private WebSocketCloseStatus _status = WebSocketCloseStatus.NormalClosure;

    /// <summary>Serves the connection until it, its token or the process ends.</summary>
    public async Task RunAsync(CancellationToken tokenExpired, CancellationToken stopping)
    {
        await using var onExpired = tokenExpired.Register(() => End(TokenExpired));
        await using var onStopping = stopping.Register(() => End(ServiceRestart));
        var user = grains.GetGrain<IVoiceUserGrain>(userId);
        var reference = grains.CreateObjectReference<IVoiceObserver>(this);
        try
        {
            await user.SubscribeAsync(_id, reference).ConfigureAwait(false);
            var receiving = ReceiveAsync();
            await Task.WhenAll(SendAsync(), RenewAsync(user, reference)).ConfigureAwait(false);
            await CloseAsync().ConfigureAwait(false);
            await receiving.ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogUnavailable(logger, e, userId);
            End(WebSocketCloseStatus.InternalServerError);
            await CloseAsync().ConfigureAwait(false);
        }
        finally
        {
            grains.DeleteObjectReference<IVoiceObserver>(reference);
            await UnsubscribeAsync(user).ConfigureAwait(false);
            _end.Dispose();
            _abort.Dispose();
        }
    }

    /// <inheritdoc/>
    public Task OnNoticesAsync(VoiceNotice[] notices)
    {
        foreach (var notice in notices)
        {
            if (VoiceSocketMessage.Write(notice) is { } message)
            {
                Enqueue(message);
            }
        }

        return Task.CompletedTask;
    }

    private void Enqueue(byte[] message)
    {
        if (!_outgoing.Writer.TryWrite(message) && !_end.IsCancellationRequested)
        {
            LogTooSlow(logger, userId, MaxQueued);
            End(WebSocketCloseStatus.PolicyViolation);
        }
    }

    private void End(WebSocketCloseStatus status)
    {
        if (!_end.IsCancellationRequested)
        {
            _status = status;
            _abort.CancelAfter(CloseTimeout);
            _end.Cancel();
        }
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[MaxMessageBytes];
        var length = 0;
        try
        {
            while (true)
            {
                var received = await webSocket.ReceiveAsync(buffer.AsMemory(length), _abort.Token).ConfigureAwait(false);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }

                length += received.Count;
                if (received.EndOfMessage)
                {
                    if (!_end.IsCancellationRequested)
                    {
                        Enqueue(VoiceSocketMessage.Reply(buffer.AsMemory(0, length)));
                    }

                    length = 0;
                }
                else if (length == buffer.Length)
                {
                    End(WebSocketCloseStatus.MessageTooBig);
                    length = 0;
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            LogGone(logger, userId, e.Message);
        }
        finally
        {
            End(WebSocketCloseStatus.NormalClosure);
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
            End(WebSocketCloseStatus.NormalClosure);
        }
    }

    private async Task RenewAsync(IVoiceUserGrain user, IVoiceObserver reference)
    {
        using PeriodicTimer timer = new(VoiceLease.RenewEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token).ConfigureAwait(false))
            {
                try
                {
                    await user.SubscribeAsync(_id, reference).ConfigureAwait(false);
                }
                catch (Exception e) when (e is TimeoutException or OrleansException)
                {
                    // The next tick tries again; an activation that does not know the connection tells it the state anew.
                    LogUnavailable(logger, e, userId);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The connection has ended.
            return;
        }
    }

    private async Task CloseAsync()
    {
        if (webSocket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            try
            {
                if (_status == ServiceRestart)
                {
                    await webSocket.SendAsync(VoiceSocketMessage.Restart, WebSocketMessageType.Text, endOfMessage: true, _abort.Token).ConfigureAwait(false);
                }

                await webSocket.CloseOutputAsync(_status, null, _abort.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException)
            {
                LogGone(logger, userId, e.Message);
            }
        }
    }

    private async Task UnsubscribeAsync(IVoiceUserGrain user)
    {
        try
        {
            await user.UnsubscribeAsync(_id).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // The lease ends the connection instead.
            LogUnavailable(logger, e, userId);
        }
    }

    [LoggerMessage(3501, LogLevel.Warning, "User {User}: a request over the voice socket failed")]
    private static partial void LogUnavailable(ILogger logger, Exception exception, Guid user);

    [LoggerMessage(3502, LogLevel.Warning, "User {User}: the voice socket is {Count} messages behind and is closed")]
    private static partial void LogTooSlow(ILogger logger, Guid user, int count);

    [LoggerMessage(3503, LogLevel.Debug, "User {User}: the voice socket is gone ({Error})")]
    private static partial void LogGone(ILogger logger, Guid user, string error);
}
