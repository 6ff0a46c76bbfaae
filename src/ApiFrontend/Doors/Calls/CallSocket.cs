using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.ApiFrontend.WebSockets;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>
/// One connection of a user's device. Its messages are carried out one after the other, in the order in which they came,
/// and what it is told leaves in the order in which the cluster said it.
/// </summary>
internal sealed partial class CallSocket : IMessageHandler, IUserObserver
{
    private readonly MessageSocket _socket;
    private readonly Guid _userId;
    private readonly UserConnection _connection;
    private readonly IGrainFactory _grains;
    private readonly CallSocketLimit _limit;
    private readonly ILogger<CallSocket> _logger;
    private readonly IUserGrain _user;
    private readonly IUserObserver _reference;

    public CallSocket(
        MessageSocket socket, Guid userId, UserConnection connection, IGrainFactory grains, CallSocketLimit limit, ILogger<CallSocket> logger)
    {
        _socket = socket;
        _userId = userId;
        _connection = connection;
        _grains = grains;
        _limit = limit;
        _logger = logger;
        _user = grains.GetGrain<IUserGrain>(userId);
        _reference = grains.CreateObjectReference<IUserObserver>(this);
    }

    /// <summary>The session description of a large call is a tenth of the longest message.</summary>
    public static MessageSocketLimits Limits { get; } = new(MaxMessageBytes: 256 * 1024, MaxQueued: 8192);

    /// <inheritdoc/>
    public TimeSpan RenewEvery => UserLease.RenewEvery;

    /// <inheritdoc/>
    public byte[] Farewell => CallSocketMessage.Restart;

    /// <inheritdoc/>
    public Task ConnectAsync() => _user.ConnectAsync(_connection, _reference);

    /// <inheritdoc/>
    public Task RenewAsync() => _user.RenewAsync(_connection, _reference);

    /// <inheritdoc/>
    public Task DisconnectAsync()
    {
        _grains.DeleteObjectReference<IUserObserver>(_reference);
        return _user.DisconnectAsync(_connection.Id);
    }

    /// <inheritdoc/>
    public Task OnNoticeAsync(UserNotice notice)
    {
        if (CallSocketMessage.Write(notice) is { } message)
        {
            _socket.Send(message);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task HandleAsync(ReadOnlyMemory<byte> utf8)
    {
        if (!_limit.TryTake(_userId, out var retryAfter))
        {
            _socket.Send(CallSocketMessage.WriteError(CallError.TooMany, null, retryAfter));
            return;
        }

        if (CallSocketMessage.Read(utf8, out var message) is { } wrong)
        {
            _socket.Send(CallSocketMessage.WriteError(wrong, null));
            return;
        }

        if (message.Request == CallSocketRequest.Ping)
        {
            _socket.Send(CallSocketMessage.WritePong());
            return;
        }

        CallError? error;
        try
        {
            error = await ExecuteAsync(message).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogUnavailable(_logger, e, _userId);
            error = CallError.Unavailable;
        }

        if (error is not null)
        {
            _socket.Send(CallSocketMessage.WriteError(error, message.CallId));
        }
    }

    private async Task<CallError?> ExecuteAsync(CallSocketMessage message)
    {
        var call = _grains.GetGrain<ICallGrain>(message.CallId);
        CallOrigin origin = new(_connection.Device, _connection.Id);
        switch (message.Request)
        {
            case CallSocketRequest.Accept:
                return ErrorOf(await call.AcceptAsync(_userId, origin).ConfigureAwait(false), "CALL_ANSWERED");
            case CallSocketRequest.Reject:
                return ErrorOf(await call.RejectAsync(_userId, origin).ConfigureAwait(false), "CALL_ANSWERED");
            case CallSocketRequest.Hangup:
                return ErrorOf(await call.HangupAsync(_userId).ConfigureAwait(false), "CONFLICT");
            case CallSocketRequest.Connected:
                return ErrorOf(await call.ConnectedAsync(_userId).ConfigureAwait(false), "CALL_NOT_ACCEPTED");
            default:
                var signal = new SendCallSignal(_userId, origin, message.Kind, message.PayloadJson);
                return ErrorOf(await call.SignalAsync(signal).ConfigureAwait(false), "CALL_NOT_ACCEPTED");
        }
    }

    private static CallError? ErrorOf<T>(Outcome<T> outcome, string conflict) =>
        outcome.Fault is { } fault ? CallError.Of(fault, conflict) : null;

    [LoggerMessage(3404, LogLevel.Warning, "User {User}: a message of the call socket could not be carried out")]
    private static partial void LogUnavailable(ILogger logger, Exception exception, Guid user);
}
