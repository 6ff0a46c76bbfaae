using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Orleans.Configuration;
using VoiceCluster.Clustering.Rows;

namespace VoiceCluster.Clustering.PostgreSql;

/// <summary>
/// The membership table in PostgreSQL: a row of the version, a row a silo. A change takes the version's row first, and
/// with it the turn; a reader sees both at one moment, because it reads them in one statement.
/// </summary>
public sealed class AdoNetMembershipTable(MembershipDatabase database, IOptions<ClusterOptions> cluster) : IMembershipTable, IAsyncDisposable
{
    private const string Select = """
        SELECT v.version, v.etag, m.silo, m.etag, m.status, m.suspects, m.proxy_port, m.host_name, m.silo_name, m.role_name,
               m.update_zone, m.fault_zone, m.start_time, m.alive_time
        FROM (SELECT 1) AS always
        LEFT JOIN membership_version v ON v.service_id = $1 AND v.cluster_id = $2
        LEFT JOIN membership m ON m.service_id = $1 AND m.cluster_id = $2
        """;

    private readonly string _service = cluster.Value.ServiceId;
    private readonly string _cluster = cluster.Value.ClusterId;

    /// <inheritdoc/>
    public Task InitializeMembershipTable(bool tryInitTableVersion) => ReadAll();

    /// <inheritdoc/>
    public Task DeleteMembershipTableEntries(string clusterId) => database.RunAsync(async connection =>
    {
        await using var transaction = await connection.BeginTransactionAsync().ConfigureAwait(false);
        await ExecuteAsync(connection, "DELETE FROM membership_version WHERE service_id = $1 AND cluster_id = $2", _service, clusterId).ConfigureAwait(false);
        await ExecuteAsync(connection, "DELETE FROM membership WHERE service_id = $1 AND cluster_id = $2", _service, clusterId).ConfigureAwait(false);
        await transaction.CommitAsync().ConfigureAwait(false);
        return true;
    });

    /// <inheritdoc/>
    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => database.RunAsync(async connection =>
    {
        await using var transaction = await connection.BeginTransactionAsync().ConfigureAwait(false);
        await ExecuteAsync(connection, "SELECT 1 FROM membership_version WHERE service_id = $1 AND cluster_id = $2 FOR UPDATE", _service, _cluster).ConfigureAwait(false);
        await ExecuteAsync(
            connection,
            "DELETE FROM membership WHERE service_id = $1 AND cluster_id = $2 AND status <> $3 AND greatest(alive_time, start_time) < $4",
            _service,
            _cluster,
            (short)SiloStatus.Active,
            beforeDate.UtcDateTime).ConfigureAwait(false);
        await transaction.CommitAsync().ConfigureAwait(false);
        return true;
    });

    /// <inheritdoc/>
    public Task<MembershipTableData> ReadRow(SiloAddress key) => ReadAsync(Select + " AND m.silo = $3", _service, _cluster, key.ToParsableString());

    /// <inheritdoc/>
    public Task<MembershipTableData> ReadAll() => ReadAsync(Select, _service, _cluster);

    /// <inheritdoc/>
    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => WriteAsync(
        tableVersion,
        entry,
        """
        INSERT INTO membership (service_id, cluster_id, silo, etag, status, suspects, proxy_port, host_name, silo_name, role_name,
                                update_zone, fault_zone, start_time, alive_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT DO NOTHING
        """);

    /// <inheritdoc/>
    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) => WriteAsync(
        tableVersion,
        entry,
        """
        UPDATE membership
        SET etag = $4, status = $5, suspects = $6, proxy_port = $7, host_name = $8, silo_name = $9, role_name = $10,
            update_zone = $11, fault_zone = $12, start_time = $13, alive_time = greatest(alive_time, $14)
        WHERE service_id = $1 AND cluster_id = $2 AND silo = $3 AND etag = $15
        """,
        etag);

    /// <inheritdoc/>
    public async Task UpdateIAmAlive(MembershipEntry entry)
    {
        var written = await database.RunAsync(connection => ExecuteAsync(
            connection,
            "UPDATE membership SET alive_time = greatest(alive_time, $4) WHERE service_id = $1 AND cluster_id = $2 AND silo = $3",
            _service,
            _cluster,
            entry.SiloAddress.ToParsableString(),
            RowText.Utc(entry.IAmAliveTime))).ConfigureAwait(false);
        if (written == 0)
        {
            throw new MembershipTableException($"The membership table has no row for {entry.SiloAddress}: it was lost or cleaned up.");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => database.DisposeAsync();

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, params object?[] parameters)
    {
        await using var command = Command(connection, sql, parameters);
        return await command.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, ReadOnlySpan<object?> parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
        {
            // A null says nothing about its type; all that can be null here is text.
            command.Parameters.Add(parameter is null
                ? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text }
                : new NpgsqlParameter { Value = parameter });
        }

        return command;
    }

    private static MembershipEntry ReadEntry(NpgsqlDataReader reader)
    {
        var silo = reader.GetString(2);
        return new MembershipEntry
        {
            SiloAddress = RowText.Silo(silo),
            Status = (SiloStatus)reader.GetInt16(4),
            SuspectTimes = RowText.ReadSuspects(silo, Text(5)),
            ProxyPort = reader.GetInt32(6),
            HostName = Text(7),
            SiloName = Text(8),
            RoleName = Text(9),
            UpdateZone = reader.GetInt32(10),
            FaultZone = reader.GetInt32(11),
            StartTime = reader.GetDateTime(12),
            IAmAliveTime = reader.GetDateTime(13),
        };

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    }

    private Task<MembershipTableData> ReadAsync(string sql, params object[] parameters) => database.RunAsync(async connection =>
    {
        await using var command = Command(connection, sql, parameters);
        await using var reader = await command.ExecuteReaderAsync().ConfigureAwait(false);
        var version = RowText.EmptyVersion;
        var rows = new List<Tuple<MembershipEntry, string>>();
        while (await reader.ReadAsync().ConfigureAwait(false))
        {
            version = reader.IsDBNull(0) ? version : new TableVersion(reader.GetInt32(0), reader.GetString(1));
            if (!reader.IsDBNull(2))
            {
                rows.Add(Tuple.Create(ReadEntry(reader), reader.GetString(3)));
            }
        }

        return new MembershipTableData(rows, version);
    });

    private Task<bool> WriteAsync(TableVersion version, MembershipEntry entry, string rowSql, params string[] rowETag) => database.RunAsync(async connection =>
    {
        var etag = RowText.NewETag();
        await using var transaction = await connection.BeginTransactionAsync().ConfigureAwait(false);
        var taken = await ExecuteAsync(
            connection,
            version.VersionEtag == RowText.EmptyVersion.VersionEtag
                ? """
                  INSERT INTO membership_version (service_id, cluster_id, version, etag) SELECT $1, $2, $3, $4 WHERE $3 > 0 AND $5 = '0'
                  ON CONFLICT DO NOTHING
                  """
                : """
                  UPDATE membership_version SET version = $3, etag = $4, changed_at = now()
                  WHERE service_id = $1 AND cluster_id = $2 AND version < $3 AND etag = $5
                  """,
            _service,
            _cluster,
            version.Version,
            etag,
            version.VersionEtag).ConfigureAwait(false);
        var written = taken == 0
            ? 0
            : await ExecuteAsync(
                connection,
                rowSql,
                [
                    _service,
                    _cluster,
                    entry.SiloAddress.ToParsableString(),
                    etag,
                    (short)entry.Status,
                    RowText.WriteSuspects(entry),
                    entry.ProxyPort,
                    entry.HostName,
                    entry.SiloName,
                    entry.RoleName,
                    entry.UpdateZone,
                    entry.FaultZone,
                    RowText.Utc(entry.StartTime),
                    RowText.Utc(entry.IAmAliveTime),
                    .. rowETag,
                ]).ConfigureAwait(false);
        if (written == 0)
        {
            // Without a commit the transaction is rolled back, and the version with it.
            return false;
        }

        await transaction.CommitAsync().ConfigureAwait(false);
        return true;
    });
}
