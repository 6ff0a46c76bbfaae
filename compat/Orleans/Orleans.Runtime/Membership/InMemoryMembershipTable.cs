using System.Globalization;

namespace Orleans.Runtime;

/// <summary>
/// The membership table of silos in one process, in its memory: share one object between them. It behaves like the tables
/// on servers in everything but that it cannot be away.
/// </summary>
public sealed class InMemoryMembershipTable : IMembershipTable
{
    private static readonly TableVersion Empty = new(0, "0");
    private readonly Lock _lock = new();
    private readonly Dictionary<SiloAddress, (MembershipEntry Entry, string ETag)> _rows = [];
    private TableVersion _version = Empty;
    private long _etags;

    /// <inheritdoc/>
    public Task InitializeMembershipTable(bool tryInitTableVersion) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task DeleteMembershipTableEntries(string clusterId)
    {
        lock (_lock)
        {
            _rows.Clear();
            _version = Empty;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate)
    {
        lock (_lock)
        {
            foreach (var (entry, _) in _rows.Values.ToArray())
            {
                var lastSign = entry.IAmAliveTime > entry.StartTime ? entry.IAmAliveTime : entry.StartTime;
                if (entry.Status != SiloStatus.Active && lastSign < beforeDate.UtcDateTime)
                {
                    _rows.Remove(entry.SiloAddress);
                }
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<MembershipTableData> ReadRow(SiloAddress key)
    {
        lock (_lock)
        {
            return Task.FromResult(_rows.TryGetValue(key, out var row)
                ? new MembershipTableData(Tuple.Create(Copy(row.Entry), row.ETag), _version)
                : new MembershipTableData(_version));
        }
    }

    /// <inheritdoc/>
    public Task<MembershipTableData> ReadAll()
    {
        lock (_lock)
        {
            return Task.FromResult(new MembershipTableData([.. _rows.Values.Select(r => Tuple.Create(Copy(r.Entry), r.ETag))], _version));
        }
    }

    /// <inheritdoc/>
    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion)
    {
        lock (_lock)
        {
            return Task.FromResult(!_rows.ContainsKey(entry.SiloAddress) && TryWrite(Copy(entry), tableVersion));
        }
    }

    /// <inheritdoc/>
    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion)
    {
        lock (_lock)
        {
            if (!_rows.TryGetValue(entry.SiloAddress, out var row) || row.ETag != etag)
            {
                return Task.FromResult(false);
            }

            // A vote is written by another silo, from what it read; the silo may have said since that it lives.
            var written = Copy(entry);
            written.IAmAliveTime = row.Entry.IAmAliveTime > entry.IAmAliveTime ? row.Entry.IAmAliveTime : entry.IAmAliveTime;
            return Task.FromResult(TryWrite(written, tableVersion));
        }
    }

    /// <inheritdoc/>
    public Task UpdateIAmAlive(MembershipEntry entry)
    {
        lock (_lock)
        {
            if (!_rows.TryGetValue(entry.SiloAddress, out var row))
            {
                throw new OrleansException($"The membership table has no row for {entry.SiloAddress}: it was lost or cleaned up.");
            }

            if (entry.IAmAliveTime > row.Entry.IAmAliveTime)
            {
                row.Entry.IAmAliveTime = entry.IAmAliveTime;
            }
        }

        return Task.CompletedTask;
    }

    private static MembershipEntry Copy(MembershipEntry entry) => new()
    {
        SiloAddress = entry.SiloAddress,
        Status = entry.Status,
        SuspectTimes = entry.SuspectTimes is null ? null : [.. entry.SuspectTimes],
        ProxyPort = entry.ProxyPort,
        HostName = entry.HostName,
        SiloName = entry.SiloName,
        RoleName = entry.RoleName,
        UpdateZone = entry.UpdateZone,
        FaultZone = entry.FaultZone,
        StartTime = entry.StartTime,
        IAmAliveTime = entry.IAmAliveTime,
    };

    private bool TryWrite(MembershipEntry entry, TableVersion version)
    {
        if (version.VersionEtag != _version.VersionEtag || version.Version <= _version.Version)
        {
            return false;
        }

        var etag = (++_etags).ToString(CultureInfo.InvariantCulture);
        _version = new TableVersion(version.Version, etag);
        _rows[entry.SiloAddress] = (entry, etag);
        return true;
    }
}
