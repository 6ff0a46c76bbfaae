using Npgsql;

namespace VoiceCluster.Storage.PostgreSql;

/// <summary>The schema as a list of versioned scripts. A script that has shipped never changes; add the next one.</summary>
internal static class PostgresSchema
{
    /// <summary>Any number, the same in every silo: only one of them migrates at a time.</summary>
    private const long MigrationLock = 0x766F696365;

    private static readonly string[] Scripts =
    [
        """
        CREATE TABLE grain_state (
          store text NOT NULL,
          key text NOT NULL,
          version bigint NOT NULL,
          payload bytea NOT NULL,
          updated_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (store, key)
        );
        CREATE TABLE outbox (
          position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          id uuid NOT NULL UNIQUE,
          subject text NOT NULL,
          key text NOT NULL,
          payload bytea NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE reminder (
          grain text NOT NULL,
          name text NOT NULL,
          hash bigint NOT NULL,
          start_at bigint NOT NULL,
          period bigint NOT NULL,
          version bigint NOT NULL,
          PRIMARY KEY (grain, name)
        );
        CREATE INDEX reminder_hash ON reminder (hash);
        """,
        """
        CREATE TABLE outbox_lease (
          name text PRIMARY KEY,
          owner uuid NOT NULL,
          expires_at timestamptz NOT NULL
        );
        """,
        """
        CREATE TABLE call_history (
          id uuid PRIMARY KEY,
          chat_id uuid NOT NULL,
          created_at bigint NOT NULL,
          status text NOT NULL,
          call jsonb NOT NULL
        );
        CREATE INDEX call_history_page ON call_history (chat_id, created_at DESC, id DESC);
        """,
    ];

    /// <summary>Runs the scripts that the database has not seen, in one transaction, while others wait.</summary>
    public static async Task MigrateAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await RunAsync(connection, $"SELECT pg_advisory_xact_lock({MigrationLock})", cancellationToken).ConfigureAwait(false);
        await RunAsync(connection, "CREATE TABLE IF NOT EXISTS schema_version (version integer NOT NULL)", cancellationToken).ConfigureAwait(false);
        await using var query = new NpgsqlCommand("SELECT coalesce(max(version), 0) FROM schema_version", connection);
        var version = (int)(await query.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        if (version > Scripts.Length)
        {
            throw new StoreException($"The database has schema version {version}; this program knows {Scripts.Length} at most.");
        }

        foreach (var script in Scripts[version..])
        {
            await RunAsync(connection, script, cancellationToken).ConfigureAwait(false);
        }

        await RunAsync(connection, $"DELETE FROM schema_version; INSERT INTO schema_version VALUES ({Scripts.Length})", cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // A script may build an index over years of calls, and another silo may be at it: this waits as long as it takes.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
