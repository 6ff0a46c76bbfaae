using System.Data.Common;
using System.Net.Sockets;
using Npgsql;
using VoiceCluster.Clustering.Rows;
using VoiceCluster.PostgreSql;

namespace VoiceCluster.Clustering.PostgreSql;

/// <summary>The pool of connections, and the schema, which is brought up to date before the first use and when it was lost.</summary>
public sealed class MembershipDatabase(NpgsqlDataSource source) : IAsyncDisposable
{
    /// <summary>How long a call may take when the connection string does not say: connecting, and each command. Seconds.</summary>
    private const int TimeoutSeconds = 5;

    /// <summary>A silo sends a handful of statements a minute, and a burst of them when it joins.</summary>
    private const int PoolSize = 4;

    private static readonly SchemaScripts Schema = new(
        "membership_schema_version",
        migrationLock: 0x6D656D626572,
        """
        CREATE TABLE membership_version (
          service_id text NOT NULL,
          cluster_id text NOT NULL,
          version integer NOT NULL,
          etag text NOT NULL,
          changed_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (service_id, cluster_id)
        );
        CREATE TABLE membership (
          service_id text NOT NULL,
          cluster_id text NOT NULL,
          silo text NOT NULL,
          etag text NOT NULL,
          status smallint NOT NULL,
          suspects text,
          proxy_port integer NOT NULL,
          host_name text,
          silo_name text,
          role_name text,
          update_zone integer NOT NULL,
          fault_zone integer NOT NULL,
          start_time timestamptz NOT NULL,
          alive_time timestamptz NOT NULL,
          PRIMARY KEY (service_id, cluster_id, silo)
        );
        """);

    private readonly SemaphoreSlim _migration = new(1, 1);
    private volatile bool _isMigrated;

    /// <summary>A pool for a connection string.</summary>
    public static MembershipDatabase Open(string connectionString) => new(NpgsqlDataSource.Create(Limit(connectionString)));

    /// <summary>The connection string with our limits where it sets none.</summary>
    internal static NpgsqlConnectionStringBuilder Limit(string connectionString)
    {
        var connection = new NpgsqlConnectionStringBuilder(connectionString);
        connection.ApplicationName ??= "voicecluster";
        SetDefault("Timeout", TimeoutSeconds);
        SetDefault("Command Timeout", TimeoutSeconds);
        SetDefault("Maximum Pool Size", PoolSize);
        return connection;

        void SetDefault(string key, int value)
        {
            if (!connection.ShouldSerialize(key))
            {
                connection[key] = value;
            }
        }
    }

    /// <summary>Runs work on a connection. A database that is away, or refuses, throws <see cref="MembershipTableException"/>.</summary>
    internal async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> work)
    {
        try
        {
            try
            {
                return await RunOnceAsync(work).ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
            {
                // The database was made anew under us.
                _isMigrated = false;
                return await RunOnceAsync(work).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is DbException or SchemaVersionException or TimeoutException or IOException or SocketException)
        {
            throw new MembershipTableException($"The membership table cannot be used: PostgreSQL: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _migration.Dispose();
        return source.DisposeAsync();
    }

    private async Task<T> RunOnceAsync<T>(Func<NpgsqlConnection, Task<T>> work)
    {
        await MigrateOnceAsync().ConfigureAwait(false);
        await using var connection = await source.OpenConnectionAsync().ConfigureAwait(false);
        return await work(connection).ConfigureAwait(false);
    }

    /// <summary>At first use, not at the start: the order in which database and silos start does not matter.</summary>
    private async Task MigrateOnceAsync()
    {
        if (_isMigrated)
        {
            return;
        }

        await _migration.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!_isMigrated)
            {
                await Schema.MigrateAsync(source, CancellationToken.None).ConfigureAwait(false);
                _isMigrated = true;
            }
        }
        finally
        {
            _migration.Release();
        }
    }
}
