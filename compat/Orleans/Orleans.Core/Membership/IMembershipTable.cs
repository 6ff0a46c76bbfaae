using Orleans.Runtime;

namespace Orleans.Runtime
{
    /// <summary>A silo's state in the membership table.</summary>
    public enum SiloStatus
    {
        /// <summary>Unknown.</summary>
        None = 0,

        /// <summary>It has been made.</summary>
        Created = 1,

        /// <summary>It is joining.</summary>
        Joining = 2,

        /// <summary>It serves.</summary>
        Active = 3,

        /// <summary>It stops in an orderly way.</summary>
        ShuttingDown = 4,

        /// <summary>It stops at once.</summary>
        Stopping = 5,

        /// <summary>It is gone for good: a restart has a new generation.</summary>
        Dead = 6,
    }
}

namespace Orleans
{
    /// <summary>The table's version, which grows by one with each change.</summary>
    public sealed class TableVersion(int version, string eTag)
    {
        /// <summary>The number.</summary>
        public int Version => version;

        /// <summary>What the store compares.</summary>
        public string VersionEtag => eTag;

        /// <summary>The version of the next change.</summary>
        public TableVersion Next() => new(version + 1, eTag);

        /// <inheritdoc/>
        public override string ToString() => $"<{version}, {eTag}>";
    }

    /// <summary>A silo's row.</summary>
    public sealed class MembershipEntry
    {
        /// <summary>The silo.</summary>
        public required SiloAddress SiloAddress { get; set; }

        /// <summary>Its state.</summary>
        public SiloStatus Status { get; set; }

        /// <summary>Who suspects it, and since when (UTC).</summary>
        public List<Tuple<SiloAddress, DateTime>>? SuspectTimes { get; set; }

        /// <summary>The port for clients; 0 when it has none.</summary>
        public int ProxyPort { get; set; }

        /// <summary>The machine's name.</summary>
        public string? HostName { get; set; }

        /// <summary>The silo's name.</summary>
        public string? SiloName { get; set; }

        /// <summary>The role that the silo plays in its deployment. For people.</summary>
        public string? RoleName { get; set; }

        /// <summary>The update domain. For people.</summary>
        public int UpdateZone { get; set; }

        /// <summary>The fault domain. For people.</summary>
        public int FaultZone { get; set; }

        /// <summary>When it started, UTC.</summary>
        public DateTime StartTime { get; set; }

        /// <summary>When it last said that it lives, UTC.</summary>
        public DateTime IAmAliveTime { get; set; }
    }

    /// <summary>Rows with their ETags, at one version.</summary>
    public sealed class MembershipTableData(List<Tuple<MembershipEntry, string>> list, TableVersion version)
    {
        /// <summary>Without rows.</summary>
        public MembershipTableData(TableVersion version)
            : this([], version)
        {
        }

        /// <summary>One row.</summary>
        public MembershipTableData(Tuple<MembershipEntry, string> tuple, TableVersion version)
            : this([tuple], version)
        {
        }

        /// <summary>The rows.</summary>
        public IReadOnlyList<Tuple<MembershipEntry, string>> Members => list;

        /// <summary>The version.</summary>
        public TableVersion Version => version;

        /// <summary>The row of a silo, or null.</summary>
        public Tuple<MembershipEntry, string>? TryGet(SiloAddress silo) => list.Find(row => row.Item1.SiloAddress == silo);
    }

    /// <summary>
    /// The table on which silos agree who lives: every change names the version that it was made from.
    /// A table that was lost reads like a new one: no rows, version 0. It needs no other repair than that each silo,
    /// which does not find its row, inserts it again; by inserting it under a version above the last that it saw, with the
    /// ETag that it read, it keeps versions growing across the loss.
    /// A table that is away throws within its timeout; then nobody knows whether the change was made.
    /// </summary>
    public interface IMembershipTable
    {
        /// <summary>Prepares the table, and its first version when asked to.</summary>
        Task InitializeMembershipTable(bool tryInitTableVersion);

        /// <summary>Deletes every row of a cluster.</summary>
        Task DeleteMembershipTableEntries(string clusterId);

        /// <summary>Deletes rows of silos that are not active and have not said since that time that they live. The version stays.</summary>
        Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate);

        /// <summary>A silo's row and the version.</summary>
        Task<MembershipTableData> ReadRow(SiloAddress key);

        /// <summary>All rows and the version.</summary>
        Task<MembershipTableData> ReadAll();

        /// <summary>Adds a row. False when it exists, when the version's ETag is not the table's, or when the version is not above the table's.</summary>
        Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion);

        /// <summary>Writes a row. False when its ETag or the version's is not the expected one, or when the version is not above the table's.</summary>
        Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion);

        /// <summary>Writes only <see cref="MembershipEntry.IAmAliveTime"/>; version and ETags stay. Throws when the silo has no row.</summary>
        Task UpdateIAmAlive(MembershipEntry entry);
    }
}
