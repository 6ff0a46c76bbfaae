using Npgsql;

namespace VoiceCluster.Storage.PostgreSql;

/// <summary>Reminders in PostgreSQL.</summary>
public sealed class PostgresReminderTable(PostgresDatabase database) : IReminderTable
{
    private const string Columns = "SELECT grain, name, start_at, period, version FROM reminder";

    /// <inheritdoc/>
    public Task<ReminderTableData> ReadRows(GrainId grainId) => SelectAsync($"{Columns} WHERE grain = $1", grainId.ToString());

    /// <inheritdoc/>
    public Task<ReminderTableData> ReadRows(uint begin, uint end) => begin < end
        ? SelectAsync($"{Columns} WHERE hash > $1 AND hash <= $2", (long)begin, (long)end)
        : SelectAsync($"{Columns} WHERE hash > $1 OR hash <= $2", (long)begin, (long)end);

    /// <inheritdoc/>
    public async Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
        (await SelectAsync($"{Columns} WHERE grain = $1 AND name = $2", grainId.ToString(), reminderName).ConfigureAwait(false)).Reminders.SingleOrDefault();

    /// <inheritdoc/>
    public Task<string> UpsertRow(ReminderEntry entry) => database.RunAsync(
        async connection =>
        {
            var version = ReminderETag.Next();
            await using var command = PostgresStateStore.Command(
                connection,
                "INSERT INTO reminder (grain, name, hash, start_at, period, version) VALUES ($1, $2, $3, $4, $5, $6) "
                + "ON CONFLICT (grain, name) DO UPDATE SET start_at = excluded.start_at, period = excluded.period, version = excluded.version",
                entry.GrainId.ToString(),
                entry.ReminderName,
                (long)entry.GrainId.GetUniformHashCode(),
                entry.StartAt.Ticks,
                entry.Period.Ticks,
                version);
            await command.ExecuteNonQueryAsync().ConfigureAwait(false);
            return ReminderETag.Write(version);
        },
        CancellationToken.None);

    /// <inheritdoc/>
    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) => database.RunAsync(
        async (connection, attempt) =>
        {
            await using var transaction = await connection.BeginTransactionAsync().ConfigureAwait(false);
            await using var command = PostgresStateStore.Command(
                connection,
                "DELETE FROM reminder WHERE grain = $1 AND name = $2 AND version = $3",
                grainId.ToString(),
                reminderName,
                ReminderETag.Parse(eTag));
            var removed = await command.ExecuteNonQueryAsync().ConfigureAwait(false);
            await attempt.CommitAsync(transaction, CancellationToken.None).ConfigureAwait(false);
            return removed > 0;
        },
        CancellationToken.None);

    /// <inheritdoc/>
    public Task TestOnlyClearTable() => database.RunAsync(
        async connection =>
        {
            await using var command = new NpgsqlCommand("DELETE FROM reminder", connection);
            return await command.ExecuteNonQueryAsync().ConfigureAwait(false);
        },
        CancellationToken.None);

    private Task<ReminderTableData> SelectAsync(string sql, params object[] parameters) => database.RunAsync(
        async connection =>
        {
            await using var command = PostgresStateStore.Command(connection, sql, parameters);
            await using var reader = await command.ExecuteReaderAsync().ConfigureAwait(false);
            var entries = new List<ReminderEntry>();
            while (await reader.ReadAsync().ConfigureAwait(false))
            {
                entries.Add(new ReminderEntry
                {
                    GrainId = GrainId.Parse(reader.GetString(0)),
                    ReminderName = reader.GetString(1),
                    StartAt = new DateTime(reader.GetInt64(2), DateTimeKind.Utc),
                    Period = new TimeSpan(reader.GetInt64(3)),
                    ETag = ReminderETag.Write(reader.GetInt64(4)),
                });
            }

            return new ReminderTableData(entries);
        },
        CancellationToken.None);
}
