using System.Diagnostics.Metrics;

namespace VoiceCluster.Clustering;

/// <summary>A table whose calls are counted and timed; names and units are in docs/metrics.md. It owns the table.</summary>
internal sealed class MeteredMembershipTable : IMembershipTable, IAsyncDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "VoiceCluster.Clustering";

    private readonly TimeProvider _time;
    private readonly Histogram<double> _duration;

    public MeteredMembershipTable(IMembershipTable inner, IMeterFactory meters, TimeProvider time)
    {
        Inner = inner;
        _time = time;
        _duration = meters.Create(MeterName).CreateHistogram<double>(
            "voicecluster.membership.call.duration", "s", "Calls to the membership table, by operation and outcome.");
    }

    /// <summary>The table itself.</summary>
    public IMembershipTable Inner { get; }

    /// <inheritdoc/>
    public Task InitializeMembershipTable(bool tryInitTableVersion) => MeasureAsync("initialize", () => DoneAsync(Inner.InitializeMembershipTable(tryInitTableVersion)));

    /// <inheritdoc/>
    public Task DeleteMembershipTableEntries(string clusterId) => MeasureAsync("delete", () => DoneAsync(Inner.DeleteMembershipTableEntries(clusterId)));

    /// <inheritdoc/>
    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => MeasureAsync("cleanup", () => DoneAsync(Inner.CleanupDefunctSiloEntries(beforeDate)));

    /// <inheritdoc/>
    public Task<MembershipTableData> ReadRow(SiloAddress key) => MeasureAsync("read", () => Inner.ReadRow(key));

    /// <inheritdoc/>
    public Task<MembershipTableData> ReadAll() => MeasureAsync("read", Inner.ReadAll);

    /// <inheritdoc/>
    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => MeasureAsync("insert", () => Inner.InsertRow(entry, tableVersion));

    /// <inheritdoc/>
    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) => MeasureAsync("update", () => Inner.UpdateRow(entry, etag, tableVersion));

    /// <inheritdoc/>
    public Task UpdateIAmAlive(MembershipEntry entry) => MeasureAsync("alive", () => DoneAsync(Inner.UpdateIAmAlive(entry)));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Inner is IAsyncDisposable disposable ? disposable.DisposeAsync() : ValueTask.CompletedTask;

    private static async Task<bool> DoneAsync(Task task)
    {
        await task.ConfigureAwait(false);
        return true;
    }

    private async Task<T> MeasureAsync<T>(string operation, Func<Task<T>> call)
    {
        var started = _time.GetTimestamp();
        var outcome = "failed";
        try
        {
            var result = await call().ConfigureAwait(false);
            outcome = result is false ? "conflict" : "ok";
            return result;
        }
        finally
        {
            _duration.Record(
                _time.GetElapsedTime(started).TotalSeconds,
                new KeyValuePair<string, object?>("operation", operation),
                new KeyValuePair<string, object?>("outcome", outcome));
        }
    }
}
