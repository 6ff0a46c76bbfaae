using Npgsql;

namespace VoiceCluster.PostgreSql;

/// <summary>
/// A schema as a list of versioned scripts. A script that has shipped never changes; add the next one.
/// Parts of the system that share a database have a version table and a lock each.
/// </summary>
/// <param name="versionTable">Holds, in one row, how many of the scripts have been run.</param>
/// <param name="migrationLock">Key of the advisory lock: any number, the same in every process, so that only one migrates at a time.</param>
/// <param name="scripts">The scripts, oldest first.</param>
public sealed class SchemaScripts(string versionTable, long migrationLock, params string[] scripts)
{
    /// <summary>
    /// Whether a script may take as long as it takes, for instance to build an index over years of rows, and others wait for
    /// it so long. Otherwise the connection's command timeout holds. Default false.
    /// </summary>
    public bool IsPatient { get; init; }

    /// <summary>Runs the scripts that the database has not seen, in one transaction, while others wait.</summary>
    /// <exception cref="SchemaVersionException">A newer program has been here.</exception>
    public async Task MigrateAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await RunAsync(connection, $"SELECT pg_advisory_xact_lock({migrationLock})", cancellationToken).ConfigureAwait(false);
        await RunAsync(connection, $"CREATE TABLE IF NOT EXISTS {versionTable} (version integer NOT NULL)", cancellationToken).ConfigureAwait(false);
        await using var query = new NpgsqlCommand($"SELECT coalesce(max(version), 0) FROM {versionTable}", connection);
        var version = (int)(await query.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        if (version > scripts.Length)
        {
            throw new SchemaVersionException($"The database has schema version {version} in {versionTable}; this program knows {scripts.Length} at most.");
        }

        foreach (var script in scripts[version..])
        {
            await RunAsync(connection, script, cancellationToken).ConfigureAwait(false);
        }

        await RunAsync(connection, $"DELETE FROM {versionTable}; INSERT INTO {versionTable} VALUES ({scripts.Length})", cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.CommandTimeout = IsPatient ? 0 : command.CommandTimeout;
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}

/// <summary>The database's schema is newer than the program.</summary>
public sealed class SchemaVersionException(string message) : Exception(message);
