namespace Orleans.Runtime;

/// <summary>Looks at and steers the silos. Key 0.</summary>
public interface IManagementGrain : IGrainWithIntegerKey
{
    /// <summary>The silos and their states; none when the silo is alone and not part of a cluster.</summary>
    Task<Dictionary<SiloAddress, SiloStatus>> GetHosts(bool onlyActive = false);

    /// <summary>All activations of the cluster.</summary>
    Task<int> GetTotalActivationCount();

    /// <summary>Activations by grain class and silo.</summary>
    Task<SimpleGrainStatistic[]> GetSimpleGrainStatistics();

    /// <summary>Collects activations that were idle for at least that long, on all silos.</summary>
    Task ForceActivationCollection(TimeSpan ageLimit);

    /// <summary>Runs the garbage collector on those silos.</summary>
    Task ForceGarbageCollection(SiloAddress[] hostsIds);
}

/// <summary>Activations of a grain class on a silo.</summary>
[GenerateSerializer]
public sealed class SimpleGrainStatistic
{
    /// <summary>The class's full name.</summary>
    [Id(0)]
    public string GrainType { get; set; } = "";

    /// <summary>The silo.</summary>
    [Id(1)]
    public SiloAddress? SiloAddress { get; set; }

    /// <summary>How many.</summary>
    [Id(2)]
    public int ActivationCount { get; set; }
}
