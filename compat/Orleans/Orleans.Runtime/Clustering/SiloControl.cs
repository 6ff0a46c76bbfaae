namespace Orleans.Runtime.Clustering;

/// <inheritdoc cref="ISiloControl"/>
internal sealed class SiloControl(ClusterNode node) : ISiloControl
{
    public Task ProbeAsync() => Task.CompletedTask;

    public Task<bool> ProbeForAsync(SiloAddress target, TimeSpan timeout) => node.ProbeAsync(target, timeout);

    public Task ViewAsync(ClusterSnapshot snapshot)
    {
        node.Oracle.Take(snapshot);
        return Task.CompletedTask;
    }

    public Task<SiloWord> VouchAsync(SiloAddress asker) => Task.FromResult(node.WordFor(asker));

    public Task HandedOverAsync(SiloAddress silo, long version)
    {
        node.Handovers.Done(silo, version);
        return Task.CompletedTask;
    }

    public Task<bool> ReleaseAsync(GrainId grain, long version) => node.Handovers.ReleaseAsync(grain, version);

    public Task ClientsAsync(SiloAddress silo, string[] clients)
    {
        node.Gateway.Learn(silo, clients);
        return Task.CompletedTask;
    }

    public Task<SimpleGrainStatistic[]> GetStatisticsAsync() => Task.FromResult<SimpleGrainStatistic[]>(
    [
        .. node.Runtime.Catalog.All.CountBy(a => a.Info.Class.FullName!)
            .Select(c => new SimpleGrainStatistic { GrainType = c.Key, ActivationCount = c.Value, SiloAddress = node.Self }),
    ]);

    public Task CollectAsync(TimeSpan ageLimit) => Task.WhenAll(node.Runtime.Catalog.All.Select(a => a.CollectAsync(ageLimit)));
}
