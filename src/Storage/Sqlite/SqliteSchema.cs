namespace VoiceCluster.Storage.Sqlite;

/// <summary>The schema as a list of versioned scripts. A script that has shipped never changes; add the next one.</summary>
internal static class SqliteSchema
{
    private static readonly string[][] Scripts =
    [
        [
            """
            CREATE TABLE grain_state (
              store TEXT NOT NULL,
              key TEXT NOT NULL,
              version INTEGER NOT NULL,
              payload BLOB NOT NULL,
              PRIMARY KEY (store, key)
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE outbox (
              position INTEGER PRIMARY KEY AUTOINCREMENT,
              id TEXT NOT NULL UNIQUE,
              subject TEXT NOT NULL,
              key TEXT NOT NULL,
              payload BLOB NOT NULL
            )
            """,
            """
            CREATE TABLE reminder (
              grain TEXT NOT NULL,
              name TEXT NOT NULL,
              hash INTEGER NOT NULL,
              start_at INTEGER NOT NULL,
              period INTEGER NOT NULL,
              version INTEGER NOT NULL,
              PRIMARY KEY (grain, name)
            ) WITHOUT ROWID
            """,
        ],
        [
            // Milliseconds of the Unix epoch.
            "ALTER TABLE outbox ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0",
        ],
        [
            """
            CREATE TABLE call_history (
              id TEXT NOT NULL PRIMARY KEY,
              chat_id TEXT NOT NULL,
              created_at INTEGER NOT NULL,
              status TEXT NOT NULL,
              call TEXT NOT NULL
            )
            """,
            "CREATE INDEX call_history_page ON call_history (chat_id, created_at DESC, id DESC)",
        ],
        [
            // Times are ticks in UTC; users have an id and the text that their door shows.
            """
            CREATE TABLE chat_log (
              chat_id TEXT NOT NULL PRIMARY KEY,
              version INTEGER NOT NULL,
              commit_id TEXT NOT NULL,
              messages INTEGER NOT NULL,
              attachments INTEGER NOT NULL,
              reactions INTEGER NOT NULL,
              text_bytes INTEGER NOT NULL,
              last_message_at INTEGER NOT NULL
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE chat_message (
              chat_id TEXT NOT NULL,
              position INTEGER NOT NULL,
              id TEXT NOT NULL,
              sender_id TEXT NOT NULL,
              sender_text TEXT NOT NULL,
              receiver_id TEXT,
              receiver_text TEXT,
              type INTEGER NOT NULL,
              text TEXT NOT NULL,
              sent_at INTEGER NOT NULL,
              PRIMARY KEY (chat_id, position)
            ) WITHOUT ROWID
            """,
            "CREATE UNIQUE INDEX chat_message_id ON chat_message (chat_id, id)",
            """
            CREATE TABLE chat_attachment (
              number INTEGER PRIMARY KEY,
              chat_id TEXT NOT NULL,
              position INTEGER NOT NULL,
              id TEXT NOT NULL,
              added_by TEXT NOT NULL,
              type TEXT NOT NULL,
              url TEXT NOT NULL,
              name TEXT,
              size INTEGER,
              mime_type TEXT,
              UNIQUE (chat_id, position, id)
            )
            """,
            """
            CREATE TABLE chat_reaction (
              number INTEGER PRIMARY KEY,
              chat_id TEXT NOT NULL,
              position INTEGER NOT NULL,
              user_id TEXT NOT NULL,
              user_text TEXT NOT NULL,
              type TEXT NOT NULL,
              reacted_at INTEGER NOT NULL,
              UNIQUE (chat_id, position, user_id, type)
            )
            """,
        ],
    ];

    /// <summary>Runs the scripts that the file has not seen, all in one transaction.</summary>
    public static void Migrate(SqliteConnection connection)
    {
        connection.Execute("BEGIN IMMEDIATE");
        connection.Execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
        var version = connection.Query("SELECT version FROM schema_version", row => row.Int64(0)) is [var stored] ? stored : 0;
        if (version > Scripts.Length)
        {
            connection.Execute("ROLLBACK");
            throw new StoreException($"The database has schema version {version}; this program knows {Scripts.Length} at most.");
        }

        foreach (var statement in Scripts[(int)version..].SelectMany(s => s))
        {
            connection.Execute(statement);
        }

        connection.Execute("DELETE FROM schema_version");
        connection.Execute("INSERT INTO schema_version (version) VALUES (?)", (long)Scripts.Length);
        connection.Execute("COMMIT");
    }
}
