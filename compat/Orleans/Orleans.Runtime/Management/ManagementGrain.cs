using Orleans.Concurrency;

namespace Orleans.Runtime;

/// <summary>Looks at and steers the silos.</summary>
[StatelessWorker]
internal sealed class ManagementGrain(SiloRuntime silo) : Grain, IManagementGrain
{
    public Task<int> GetTotalActivationCount() => Task.FromResult(silo.Catalog.Count);

    public Task<SimpleGrainStatistic[]> GetSimpleGrainStatistics() => Task.FromResult<SimpleGrainStatistic[]>(
    [
        .. silo.Catalog.All.CountBy(a => a.Info.Class.FullName!)
            .Select(c => new SimpleGrainStatistic { GrainType = c.Key, ActivationCount = c.Value }),
    ]);

    /// <summary>What is collected now is awaited, so that the caller finds it done.</summary>
    public Task ForceActivationCollection(TimeSpan ageLimit) => Task.WhenAll(
        silo.Catalog.All.Where(a => !ReferenceEquals(a, GrainContext)).Select(a => a.CollectAsync(ageLimit)));

    public Task ForceGarbageCollection(SiloAddress[] hostsIds)
    {
        GC.Collect();
        return Task.CompletedTask;
    }
}
