using Npgsql;
using VoiceCluster.PostgreSql;

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
    public static Task MigrateAsync(NpgsqlDataSource source, CancellationToken cancellationToken) =>
        new SchemaScripts("schema_version", MigrationLock, Scripts) { IsPatient = true }.MigrateAsync(source, cancellationToken);
}
