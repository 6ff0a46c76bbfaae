using System.Data.Common;
using Npgsql;
using VoiceCluster.PostgreSql;

namespace VoiceCluster.Storage.PostgreSql;

/// <summary>The pool of connections, and the schema, which is brought up to date before the first use.</summary>
public sealed class PostgresDatabase(NpgsqlDataSource source) : IAsyncDisposable
{
    private readonly SemaphoreSlim _migration = new(1, 1);
    private volatile bool _isMigrated;

    /// <summary>A pool for a connection string.</summary>
    public static PostgresDatabase Open(NpgsqlConnectionStringBuilder connection)
    {
        connection.ApplicationName ??= "voicecluster";
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
        catch (Exception e) when (e is DbException or SchemaVersionException or TimeoutException or IOException or System.Net.Sockets.SocketException)
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
