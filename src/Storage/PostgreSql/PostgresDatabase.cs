using System.Data;
using System.Data.Common;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using VoiceCluster.PostgreSql;

namespace VoiceCluster.Storage.PostgreSql;

/// <summary>
/// The pool of connections, and the schema, which is brought up to date before the first use. A server that does not answer
/// is given up after a few seconds, and while it does not, only a few more operations try it: the others fail at once.
/// </summary>
public sealed partial class PostgresDatabase(NpgsqlDataSource source, ILogger logger) : IAsyncDisposable
{
    /// <summary>How long an operation may take, its connection included. A grain's caller waits 30 s at most.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// When the driver itself gives up to connect. Later than we do: until then the operation counts as one without an answer,
    /// and with enough of them no other is begun.
    /// </summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);

    /// <summary>
    /// When the driver itself gives up a statement. Then it asks the server to cancel it, which holds a thread until the
    /// server answers: not before an ordinary outage is over.
    /// </summary>
    private static readonly TimeSpan StatementTimeout = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Connections of one process at most, unless the connection string says otherwise. PostgreSQL ships with 100 for all its
    /// clients, and refuses who comes after them; operations queue here instead.
    /// </summary>
    private const int MaxConnections = 20;

    /// <summary>How long the first use waits for a server that starts later than this process, and how often it tries.</summary>
    private static readonly TimeSpan FirstPatience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromMilliseconds(500);

    /// <summary>Operations without an answer that may be under way before no other one is begun.</summary>
    private const int MaxUnanswered = 8;

    private readonly SemaphoreSlim _migration = new(1, 1);
    private volatile bool _isMigrated;
    private int _unanswered;

    /// <summary>A pool for a connection string. What the string leaves open is set so that an outage is noticed within seconds.</summary>
    public static PostgresDatabase Open(NpgsqlConnectionStringBuilder connection, ILogger<PostgresDatabase>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(connection);
        connection = new NpgsqlConnectionStringBuilder(connection.ConnectionString);
        connection.ApplicationName ??= "voicecluster";
        connection.Timeout = connection.ShouldSerialize("Timeout") ? connection.Timeout : (int)ConnectTimeout.TotalSeconds;
        connection.CommandTimeout = connection.ShouldSerialize("Command Timeout") ? connection.CommandTimeout : (int)StatementTimeout.TotalSeconds;

        connection.MaxPoolSize = connection.ShouldSerialize("Maximum Pool Size") ? connection.MaxPoolSize : MaxConnections;

        // The locks of a client that is gone without a word, its host lost for instance, must not be held for hours.
        connection.Options ??= "-c idle_in_transaction_session_timeout=10s";
        return new PostgresDatabase(NpgsqlDataSource.Create(connection), logger ?? NullLogger<PostgresDatabase>.Instance);
    }

    /// <summary>
    /// Runs work on a connection. A database that is away, or refuses, throws <see cref="StoreException"/>. A connection of the pool may have ended
    /// unseen, with a server that is back since: then the work is done once more on a new one. Done twice it must be as if done once.
    /// </summary>
    internal Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync((connection, _) => work(connection), cancellationToken);

    /// <summary>The same for work with a transaction of its own, which is not done again once it may have been committed.</summary>
    internal async Task<T> RunAsync<T>(Func<NpgsqlConnection, PostgresAttempt, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            await MigrateOnceAsync(cancellationToken).ConfigureAwait(false);
            if (Volatile.Read(ref _unanswered) >= MaxUnanswered)
            {
                throw new StoreException("PostgreSQL does not answer.");
            }

            return await WaitAsync(work, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is DbException or SchemaVersionException or TimeoutException or IOException or System.Net.Sockets.SocketException)
        {
            throw new StoreException(e is TimeoutException or { InnerException: TimeoutException } ? "PostgreSQL does not answer." : $"PostgreSQL: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _migration.Dispose();
        return source.DisposeAsync();
    }

    private async Task<T> WaitAsync<T>(Func<NpgsqlConnection, PostgresAttempt, Task<T>> work, CancellationToken cancellationToken)
    {
        // Not disposed: work that is given up still looks at its token.
        CancellationTokenSource abandoned = new();
        var running = RunAsync();
        try
        {
            return await running.WaitAsync(Patience, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!running.IsCompleted && e is TimeoutException or OperationCanceledException)
        {
            Interlocked.Increment(ref _unanswered);
            await abandoned.CancelAsync().ConfigureAwait(false);
            _ = running.ContinueWith(
                ended =>
                {
                    // Nobody waits for its result or its exception.
                    _ = ended.Exception;
                    Interlocked.Decrement(ref _unanswered);
                },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            throw;
        }

        async Task<T> RunAsync()
        {
            PostgresAttempt attempt = new(abandoned.Token);
            await using (var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false))
            {
                try
                {
                    return await work(connection, attempt).ConfigureAwait(false);
                }
                catch (NpgsqlException) when (connection.FullState.HasFlag(ConnectionState.Broken) && attempt.MayBeRepeated)
                {
                    // The others in the pool may have ended with it.
                    NpgsqlConnection.ClearPool(connection);
                }
            }

            await using var another = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            return await work(another, attempt).ConfigureAwait(false);
        }
    }

    /// <summary>A server that refuses for good, for instance the password, is believed at once.</summary>
    private async Task MigrateAsync(CancellationToken cancellationToken)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await PostgresSchema.MigrateAsync(source, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (e is NpgsqlException { IsTransient: true } or TimeoutException && Stopwatch.GetElapsedTime(since) < FirstPatience)
            {
                LogWaiting(logger, e.Message);
                await Task.Delay(RetryPeriod, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    [LoggerMessage(4390, LogLevel.Warning, "PostgreSQL is not there yet: {Reason}")]
    private static partial void LogWaiting(ILogger logger, string reason);

    /// <summary>At first use, not at the start: the order in which database and silos start does not matter.</summary>
    private async Task MigrateOnceAsync(CancellationToken cancellationToken)
    {
        if (_isMigrated)
        {
            return;
        }

        await _migration.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_isMigrated)
            {
                await MigrateAsync(cancellationToken).ConfigureAwait(false);
                _isMigrated = true;
            }
        }
        finally
        {
            _migration.Release();
        }
    }
}
