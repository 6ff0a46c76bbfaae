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

        // Times are ticks in UTC; users have an id and the text that their door shows.
        """
        CREATE TABLE chat_log (
          chat_id uuid PRIMARY KEY,
          version bigint NOT NULL,
          commit_id uuid NOT NULL,
          messages bigint NOT NULL,
          attachments bigint NOT NULL,
          reactions bigint NOT NULL,
          text_bytes bigint NOT NULL,
          last_message_at bigint NOT NULL
        );
        CREATE TABLE chat_message (
          chat_id uuid NOT NULL,
          position bigint NOT NULL,
          id uuid NOT NULL,
          sender_id uuid NOT NULL,
          sender_text text NOT NULL,
          receiver_id uuid,
          receiver_text text,
          type smallint NOT NULL,
          text text NOT NULL,
          sent_at bigint NOT NULL,
          PRIMARY KEY (chat_id, position)
        );
        CREATE UNIQUE INDEX chat_message_id ON chat_message (chat_id, id);
        CREATE TABLE chat_attachment (
          number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          chat_id uuid NOT NULL,
          position bigint NOT NULL,
          id uuid NOT NULL,
          added_by uuid NOT NULL,
          type text NOT NULL,
          url text NOT NULL,
          name text,
          size bigint,
          mime_type text,
          UNIQUE (chat_id, position, id)
        );
        CREATE TABLE chat_reaction (
          number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          chat_id uuid NOT NULL,
          position bigint NOT NULL,
          user_id uuid NOT NULL,
          user_text text NOT NULL,
          type text NOT NULL,
          reacted_at bigint NOT NULL,
          UNIQUE (chat_id, position, user_id, type)
        );
        """,
    ];

    /// <summary>Runs the scripts that the database has not seen, in one transaction, while others wait.</summary>
    public static Task MigrateAsync(NpgsqlDataSource source, CancellationToken cancellationToken) =>
        new SchemaScripts("schema_version", MigrationLock, Scripts) { IsPatient = true }.MigrateAsync(source, cancellationToken);
}
