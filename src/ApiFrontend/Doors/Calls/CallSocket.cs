using System.Net.WebSockets;
using System.Threading.Channels;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>
/// One connection of a user's device. Its messages are carried out one after the other, in the order in which they came,
/// and what it is told leaves in the order in which the cluster said it.
/// </summary>
internal sealed partial class CallSocket(
    WebSocket webSocket,
    Guid userId,
    UserConnection connection,
    IGrainFactory grains,
    CallSocketLimit limit,
    TimeProvider time,
    ILogger<CallSocket> logger)
    : IUserObserver
{
    /// <summary>The longest message; a session description of a large call is a tenth of it.</summary>
    public const int MaxMessageBytes = 256 * 1024;

    // A client that is further behind is closed: it has lost more than it can catch up with.
    private const int MaxQueued = 8192;

    // WebSocket close codes for applications (RFC 6455 §7.4.2).
    private const WebSocketCloseStatus TokenExpired = (WebSocketCloseStatus)4401;

    // Registered by IANA beside those of RFC 6455 §7.4.1: the server restarts, and the client may connect again.
    private const WebSocketCloseStatus ServiceRestart = (WebSocketCloseStatus)1012;

    // After the close frame nobody waits longer for a peer that is gone.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly Channel<byte[]> _outgoing = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxQueued)
    {
        SingleReader = true,
        FullMode = BoundedChannelFullMode.Wait,
    });

    // The first asks for a goodbye. The second, soon after, cuts the line: cancelling a read or write of a WebSocket aborts it.
    private readonly CancellationTokenSource _end = new();
    private readonly CancellationTokenSource _abort = new(Timeout.InfiniteTimeSpan, time);
    private WebSocketCloseStatus _status = WebSocketCloseStatus.NormalClosure;
    private string? _why;

    /// <summary>Serves the connection until it, its token or the process ends.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        await using var onStopping = stopping.Register(() => End(ServiceRestart));
        var user = grains.GetGrain<IUserGrain>(userId);
        var reference = grains.CreateObjectReference<IUserObserver>(this);
        try
        {
            await user.ConnectAsync(connection, reference).ConfigureAwait(false);
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
            End(WebSocketCloseStatus.NormalClosure);
            grains.DeleteObjectReference<IUserObserver>(reference);
            await LeaveAsync(user).ConfigureAwait(false);
            _end.Dispose();
            _abort.Dispose();
        }
    }

    /// <summary>The token that opened the connection is over.</summary>
    public void OnTokenExpired() => End(TokenExpired, "The token has expired.");

    /// <inheritdoc/>
    public Task OnNoticeAsync(UserNotice notice)
    {
        if (CallSocketMessage.Write(notice) is { } message)
        {
            Enqueue(message);
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

    private void End(WebSocketCloseStatus status, string? why = null)
    {
        if (!_end.IsCancellationRequested)
        {
            _status = status;
            _why = why;
            _abort.CancelAfter(CloseTimeout);
            _end.Cancel();
        }
    }

    private async Task ReceiveAsync()
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

                if (_end.IsCancellationRequested)
                {
                    // Nothing is carried out after the goodbye; what still comes is read until the peer's own.
                    continue;
                }

                if (message.Length + received.Count > MaxMessageBytes)
                {
                    End(WebSocketCloseStatus.MessageTooBig);
                    continue;
                }

                message.Write(buffer, 0, received.Count);
                if (received.EndOfMessage)
                {
                    await HandleAsync(message.GetBuffer().AsMemory(0, (int)message.Length)).ConfigureAwait(false);
                    message.SetLength(0);
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

    private async Task HandleAsync(ReadOnlyMemory<byte> utf8)
    {
        if (!limit.TryTake(userId, out var retryAfter))
        {
            Enqueue(CallSocketMessage.WriteError(CallError.TooMany, null, retryAfter));
            return;
        }

        if (CallSocketMessage.Read(utf8, out var message) is { } wrong)
        {
            Enqueue(CallSocketMessage.WriteError(wrong, null));
            return;
        }

        if (message.Request == CallSocketRequest.Ping)
        {
            Enqueue(CallSocketMessage.WritePong());
            return;
        }

        CallError? error;
        try
        {
            error = await ExecuteAsync(message).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogUnavailable(logger, e, userId);
            error = CallError.Unavailable;
        }

        if (error is not null)
        {
            Enqueue(CallSocketMessage.WriteError(error, message.CallId));
        }
    }

    private async Task<CallError?> ExecuteAsync(CallSocketMessage message)
    {
        var call = grains.GetGrain<ICallGrain>(message.CallId);
        CallOrigin origin = new(connection.Device, connection.Id);
        switch (message.Request)
        {
            case CallSocketRequest.Accept:
                return ErrorOf(await call.AcceptAsync(userId, origin).ConfigureAwait(false), "CALL_ANSWERED");
            case CallSocketRequest.Reject:
                return ErrorOf(await call.RejectAsync(userId, origin).ConfigureAwait(false), "CALL_ANSWERED");
            case CallSocketRequest.Hangup:
                return ErrorOf(await call.HangupAsync(userId).ConfigureAwait(false), "CONFLICT");
            case CallSocketRequest.Connected:
                return ErrorOf(await call.ConnectedAsync(userId).ConfigureAwait(false), "CALL_NOT_ACCEPTED");
            default:
                var signal = new SendCallSignal(userId, origin, message.Kind, message.PayloadJson);
                return ErrorOf(await call.SignalAsync(signal).ConfigureAwait(false), "CALL_NOT_ACCEPTED");
        }
    }

    private static CallError? ErrorOf<T>(Outcome<T> outcome, string conflict) =>
        outcome.Fault is { } fault ? CallError.Of(fault, conflict) : null;

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

    private async Task RenewAsync(IUserGrain user, IUserObserver reference)
    {
        using PeriodicTimer timer = new(UserLease.RenewEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token).ConfigureAwait(false))
            {
                try
                {
                    await user.RenewAsync(connection, reference).ConfigureAwait(false);
                }
                catch (Exception e) when (e is TimeoutException or OrleansException)
                {
                    // The next tick tries again, and the user's new silo takes the connection in.
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
                    await webSocket.SendAsync(CallSocketMessage.Restart, WebSocketMessageType.Text, endOfMessage: true, _abort.Token).ConfigureAwait(false);
                }

                await webSocket.CloseOutputAsync(_status, _why, _abort.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException)
            {
                LogGone(logger, userId, e.Message);
            }
        }
    }

    private async Task LeaveAsync(IUserGrain user)
    {
        try
        {
            await user.DisconnectAsync(connection.Id).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // The lease ends the connection instead.
            LogUnavailable(logger, e, userId);
        }
    }

    [LoggerMessage(3400, LogLevel.Warning, "User {User}: a request over the call socket failed")]
    private static partial void LogUnavailable(ILogger logger, Exception exception, Guid user);

    [LoggerMessage(3401, LogLevel.Warning, "User {User}: the call socket is {Count} messages behind and is closed")]
    private static partial void LogTooSlow(ILogger logger, Guid user, int count);

    [LoggerMessage(3402, LogLevel.Debug, "User {User}: the call socket is gone ({Error})")]
    private static partial void LogGone(ILogger logger, Guid user, string error);
}
