using SQLitePCL;

namespace VoiceCluster.Storage.Sqlite;

/// <summary>
/// One open database file, used by one thread at a time. Statements are prepared once and kept.
/// Write-ahead log with a sync at each commit: what was committed survives a killed process and a power loss.
/// </summary>
internal sealed class SqliteConnection : IDisposable
{
    private readonly sqlite3 _database;
    private readonly Dictionary<string, sqlite3_stmt> _statements = [];

    static SqliteConnection() => Batteries_V2.Init();

    public SqliteConnection(string path)
    {
        Check(raw.sqlite3_open_v2(
            path, out _database, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE | raw.SQLITE_OPEN_NOMUTEX, null));
        Execute("PRAGMA journal_mode=WAL");
        Execute("PRAGMA synchronous=FULL");
        Execute("PRAGMA busy_timeout=5000");
        Execute("PRAGMA foreign_keys=ON");
    }

    /// <summary>Rows that the last statement changed.</summary>
    public int Changes => raw.sqlite3_changes(_database);

    /// <summary>Runs a statement to its end, and forgets its rows.</summary>
    public void Execute(string sql, params ReadOnlySpan<object?> parameters) => Query(sql, static _ => 0, parameters);

    /// <summary>Runs a query and maps its rows.</summary>
    public List<T> Query<T>(string sql, Func<SqliteRow, T> map, params ReadOnlySpan<object?> parameters)
    {
        var statement = Prepare(sql);
        try
        {
            for (var i = 0; i < parameters.Length; i++)
            {
                Bind(statement, i + 1, parameters[i]);
            }

            var rows = new List<T>();
            int result;
            while ((result = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
            {
                rows.Add(map(new SqliteRow(statement)));
            }

            Check(result == raw.SQLITE_DONE ? raw.SQLITE_OK : result);
            return rows;
        }
        finally
        {
            raw.sqlite3_reset(statement);
            raw.sqlite3_clear_bindings(statement);
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }

        _database.Dispose();
    }

    private static void Bind(sqlite3_stmt statement, int index, object? value) => _ = value switch
    {
        null => raw.sqlite3_bind_null(statement, index),
        string text => raw.sqlite3_bind_text(statement, index, text),
        long number => raw.sqlite3_bind_int64(statement, index, number),
        int number => raw.sqlite3_bind_int(statement, index, number),
        ReadOnlyMemory<byte> bytes => raw.sqlite3_bind_blob(statement, index, bytes.Span),
        _ => throw new ArgumentException($"A parameter of type {value.GetType()} cannot be bound.", nameof(value)),
    };

    private sqlite3_stmt Prepare(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            Check(raw.sqlite3_prepare_v2(_database, sql, out statement));
            _statements.Add(sql, statement);
        }

        return statement;
    }

    private void Check(int result)
    {
        if (result != raw.SQLITE_OK)
        {
            var message = _database is null ? raw.sqlite3_errstr(result).utf8_to_string() : raw.sqlite3_errmsg(_database).utf8_to_string();
            throw new StoreException($"SQLite error {result}: {message}");
        }
    }
}

/// <summary>The row that a query stands on. Columns count from 0.</summary>
internal readonly struct SqliteRow(sqlite3_stmt statement)
{
    public long Int64(int column) => raw.sqlite3_column_int64(statement, column);

    public string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string();

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    public long? Int64OrNull(int column) => IsNull(column) ? null : Int64(column);

    private bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;

    public byte[] Blob(int column) => raw.sqlite3_column_blob(statement, column).ToArray();
}
