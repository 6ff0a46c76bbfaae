using System.Globalization;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;

namespace VoiceCluster.Clustering.Resp;

/// <summary>
/// One pipelined connection to Redis that comes back by itself. A call waits for the connection, then for its answer, both
/// within <see cref="RespClientOptions.CommandTimeout"/>.
/// </summary>
public sealed partial class RespClient(RedisAddress address, RespClientOptions options, TimeProvider time, ILogger<RespClient> logger) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private RespConnection? _connection;
    private Task<RespConnection>? _connecting;
    private Exception? _lastFailure;
    private bool _isDisposed;

    /// <summary>Where the server is, for messages.</summary>
    public string Address { get; } = address.ToString();

    /// <summary>
    /// Runs a command and answers its reply, which is not an error. A command that may safely be run twice
    /// (<paramref name="isRepeatable"/>) is sent once more when its connection was lost before the answer came.
    /// </summary>
    /// <exception cref="RespException">The server is away, did not answer in time, or refused.</exception>
    public async Task<RespValue> ExecuteAsync(bool isRepeatable, params string[] command)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var connection = await ConnectedAsync(started).ConfigureAwait(false);
            try
            {
                return await AnswerAsync(connection, command, started).ConfigureAwait(false);
            }
            catch (RespException e) when (e.IsConnectionLost && isRepeatable && e.InnerException is not TimeoutException && Left(started) > TimeSpan.Zero)
            {
                LogRepeated(logger, e, Address);
                isRepeatable = false;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task<RespConnection>? connecting;
        RespConnection? connection;
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            (connecting, connection) = (_connecting, _connection);
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (connecting is not null)
        {
            await connecting.ContinueWith(static t => t.Exception, TaskScheduler.Default).ConfigureAwait(false);
            connection = connecting.IsCompletedSuccessfully ? await connecting.ConfigureAwait(false) : connection;
        }

        if (connection is not null)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }

        _stop.Dispose();
    }

    private async Task<RespConnection> ConnectedAsync(long started)
    {
        Task<RespConnection> connecting;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_connection is { IsOpen: true } open)
            {
                return open;
            }

            if (_connecting is null or { IsCompleted: true })
            {
                _connecting = Task.Run(ConnectAsync);
            }

            connecting = _connecting;
        }

        try
        {
            return await connecting.WaitAsync(Left(started), time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            var cause = Volatile.Read(ref _lastFailure);
            throw new RespException($"Redis at {Address} is away: {cause?.Message ?? "the connection was not made in time."}", true, cause ?? e);
        }
    }

    private async Task<RespValue> AnswerAsync(RespConnection connection, string[] command, long started)
    {
        RespValue reply;
        try
        {
            reply = await connection.SendAsync(command).WaitAsync(Left(started), time).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            // A server that says nothing for so long may be gone without a word; the next call connects anew.
            var reason = string.Create(CultureInfo.InvariantCulture, $"Redis at {Address} did not answer within {options.CommandTimeout.TotalSeconds:0.###} s.");
            connection.Abort(reason);
            throw new RespException(reason, true, e);
        }

        return reply.Kind == RespKind.Error ? throw new RespException($"Redis at {Address} refused: {reply.Text}", false) : reply;
    }

    /// <summary>Tries until it succeeds, is refused, or the client is closed, with growing pauses.</summary>
    private async Task<RespConnection> ConnectAsync()
    {
        var delay = options.MinReconnectDelay;
        var failures = 0;
        while (true)
        {
            try
            {
                var connection = await RespConnector.ConnectAsync(address, options, time, _stop.Token).ConfigureAwait(false);
                lock (_lock)
                {
                    _connection = connection;
                }

                Volatile.Write(ref _lastFailure, null);
                LogConnected(logger, Address, failures);
                return connection;
            }
            catch (Exception e) when (e is AuthenticationException or RespException { IsConnectionLost: false })
            {
                // It is there and says no, or is not who it should be: waiting heals neither, so whoever waits is told now.
                LogRefused(logger, e, Address);
                throw new RespException($"Redis at {Address} cannot be used: {e.Message}", false, e);
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                Volatile.Write(ref _lastFailure, e);
                if (failures++ == 0)
                {
                    LogAway(logger, e, Address);
                }
            }

            // Up to a fifth less, at random: the silos of a cluster do not knock all at the same moment.
            await Task.Delay(delay * (1 - (0.2 * Random.Shared.NextDouble())), time, _stop.Token).ConfigureAwait(false);
            delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, options.MaxReconnectDelay.Ticks));
        }
    }

    private TimeSpan Left(long started)
    {
        var left = options.CommandTimeout - time.GetElapsedTime(started);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    [LoggerMessage(1900, LogLevel.Warning, "Redis at {Address} is away; trying again until it is back")]
    private static partial void LogAway(ILogger logger, Exception exception, string address);

    [LoggerMessage(1901, LogLevel.Information, "Connected to Redis at {Address} after {Failures} failed attempts")]
    private static partial void LogConnected(ILogger logger, string address, int failures);

    [LoggerMessage(1903, LogLevel.Error, "Redis at {Address} cannot be used: password, user, database or certificate is wrong")]
    private static partial void LogRefused(ILogger logger, Exception exception, string address);

    [LoggerMessage(1902, LogLevel.Debug, "The connection to Redis at {Address} was lost before the answer; asking once more")]
    private static partial void LogRepeated(ILogger logger, Exception exception, string address);
}
