using Orleans.Concurrency;

namespace Orleans.Runtime;

/// <summary>Looks at and steers the silos.</summary>
[StatelessWorker]
internal sealed class ManagementGrain(SiloRuntime silo) : Grain, IManagementGrain
{
    public Task<Dictionary<SiloAddress, SiloStatus>> GetHosts(bool onlyActive = false) => Task.FromResult(
        silo.Cluster is { } cluster
            ? cluster.Oracle.View.Snapshot.Members
                .Where(m => !onlyActive || m.Status == SiloStatus.Active)
                .ToDictionary(m => m.Silo, m => m.Status)
            : []);

    public async Task<int> GetTotalActivationCount() =>
        silo.Cluster is null ? silo.Catalog.Count : (await GetSimpleGrainStatistics()).Sum(s => s.ActivationCount);

    public async Task<SimpleGrainStatistic[]> GetSimpleGrainStatistics()
    {
        if (silo.Cluster is { } cluster)
        {
            var all = await Task.WhenAll(cluster.Oracle.View.Active.Select(m => cluster.ControlOf(m.Silo).GetStatisticsAsync()));
            return [.. all.SelectMany(s => s)];
        }

        return
        [
            .. silo.Catalog.All.CountBy(a => a.Info.Class.FullName!)
                .Select(c => new SimpleGrainStatistic { GrainType = c.Key, ActivationCount = c.Value }),
        ];
    }

    /// <summary>What is collected now is awaited, so that the caller finds it done.</summary>
    public async Task ForceActivationCollection(TimeSpan ageLimit)
    {
        await Task.WhenAll(silo.Catalog.All.Where(a => !ReferenceEquals(a, GrainContext)).Select(a => a.CollectAsync(ageLimit)));
        if (silo.Cluster is { } cluster)
        {
            await Task.WhenAll(cluster.Oracle.View.Active.Where(m => m.Silo != cluster.Self).Select(m => cluster.ControlOf(m.Silo).CollectAsync(ageLimit)));
        }
    }

    public Task ForceGarbageCollection(SiloAddress[] hostsIds)
    {
        GC.Collect();
        return Task.CompletedTask;
    }
}
