namespace VoiceCluster.Storage.Sqlite;

/// <summary>Reminders in the embedded database: they outlive the process.</summary>
public sealed class SqliteReminderTable(SqliteDatabase database) : IReminderTable
{
    private const string Columns = "SELECT grain, name, start_at, period, version FROM reminder";

    /// <inheritdoc/>
    public Task<ReminderTableData> ReadRows(GrainId grainId) => SelectAsync($"{Columns} WHERE grain = ?", grainId.ToString());

    /// <inheritdoc/>
    public Task<ReminderTableData> ReadRows(uint begin, uint end) => begin < end
        ? SelectAsync($"{Columns} WHERE hash > ? AND hash <= ?", (long)begin, (long)end)
        : SelectAsync($"{Columns} WHERE hash > ? OR hash <= ?", (long)begin, (long)end);

    /// <inheritdoc/>
    public async Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
        (await SelectAsync($"{Columns} WHERE grain = ? AND name = ?", grainId.ToString(), reminderName).ConfigureAwait(false)).Reminders.SingleOrDefault();

    /// <inheritdoc/>
    public Task<string> UpsertRow(ReminderEntry entry) => database.RunAsync(
        connection =>
        {
            var version = ReminderETag.Next();
            connection.Execute(
                "INSERT INTO reminder (grain, name, hash, start_at, period, version) VALUES (?, ?, ?, ?, ?, ?) "
                + "ON CONFLICT (grain, name) DO UPDATE SET start_at = excluded.start_at, period = excluded.period, version = excluded.version",
                entry.GrainId.ToString(),
                entry.ReminderName,
                (long)entry.GrainId.GetUniformHashCode(),
                entry.StartAt.Ticks,
                entry.Period.Ticks,
                version);
            return ReminderETag.Write(version);
        },
        CancellationToken.None);

    /// <inheritdoc/>
    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) => database.RunAsync(
        connection =>
        {
            connection.Execute(
                "DELETE FROM reminder WHERE grain = ? AND name = ? AND version = ?",
                grainId.ToString(),
                reminderName,
                ReminderETag.Parse(eTag));
            return connection.Changes > 0;
        },
        CancellationToken.None);

    /// <inheritdoc/>
    public Task TestOnlyClearTable() => database.RunAsync(
        connection =>
        {
            connection.Execute("DELETE FROM reminder");
            return true;
        },
        CancellationToken.None);

    private async Task<ReminderTableData> SelectAsync(string sql, params object?[] parameters) => new(await database.RunAsync(
        connection => connection.Query(
            sql,
            row => new ReminderEntry
            {
                GrainId = GrainId.Parse(row.Text(0)),
                ReminderName = row.Text(1),
                StartAt = new DateTime(row.Int64(2), DateTimeKind.Utc),
                Period = new TimeSpan(row.Int64(3)),
                ETag = ReminderETag.Write(row.Int64(4)),
            },
            parameters),
        CancellationToken.None).ConfigureAwait(false));
}
