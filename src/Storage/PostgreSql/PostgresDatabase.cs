using System.Data.Common;
using Npgsql;

namespace VoiceCluster.Storage.PostgreSql;

/// <summary>The pool of connections, and the schema, which is brought up to date before the first use.</summary>
public sealed class PostgresDatabase(NpgsqlDataSource source) : IAsyncDisposable
{
    private readonly SemaphoreSlim _migration = new(1, 1);
    private volatile bool _isMigrated;

    /// <summary>How long a connection, and then a statement, may take before the request fails. A caller waits 30 s at most.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>A pool for a connection string. What the string leaves open is set so that an outage is noticed within seconds.</summary>
    public static PostgresDatabase Open(NpgsqlConnectionStringBuilder connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        connection = new NpgsqlConnectionStringBuilder(connection.ConnectionString);
        connection.ApplicationName ??= "voicecluster";
        connection.Timeout = connection.ShouldSerialize("Timeout") ? connection.Timeout : (int)Patience.TotalSeconds;
        connection.CommandTimeout = connection.ShouldSerialize("Command Timeout") ? connection.CommandTimeout : (int)Patience.TotalSeconds;

        // The locks of a client that is gone without a word, its host lost for instance, must not be held for hours.
        connection.Options ??= "-c idle_in_transaction_session_timeout=10s";
        return new PostgresDatabase(NpgsqlDataSource.Create(connection));
    }

    /// <summary>Runs work on a connection. A database that is away, or refuses, throws <see cref="StoreException"/>.</summary>
    internal async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            await MigrateOnceAsync(cancellationToken).ConfigureAwait(false);
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            return await work(connection).ConfigureAwait(false);
        }
        catch (Exception e) when (e is DbException or TimeoutException or IOException or System.Net.Sockets.SocketException)
        {
            throw new StoreException($"PostgreSQL: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _migration.Dispose();
        return source.DisposeAsync();
    }

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
                await PostgresSchema.MigrateAsync(source, cancellationToken).ConfigureAwait(false);
                _isMigrated = true;
            }
        }
        finally
        {
            _migration.Release();
        }
    }
}
