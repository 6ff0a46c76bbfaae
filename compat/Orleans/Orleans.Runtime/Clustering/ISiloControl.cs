using Orleans.Concurrency;

namespace Orleans.Runtime.Clustering;

/// <summary>What silos say to each other beside calls of grains. Each silo has one, under a known name.</summary>
[Alias("sys.ISiloControl")]
internal interface ISiloControl : IGrainObserver
{
    /// <summary>The name of the object.</summary>
    const string Name = "control";

    /// <summary>A probe: an answer means that the silo lives.</summary>
    [AlwaysInterleave]
    Task ProbeAsync();

    /// <summary>Probes another silo for the caller, which could not reach it.</summary>
    [AlwaysInterleave]
    Task<bool> ProbeForAsync(SiloAddress target, TimeSpan timeout);

    /// <summary>The newest membership that the caller knows.</summary>
    [AlwaysInterleave, OneWay]
    Task ViewAsync(ClusterSnapshot snapshot);

    /// <summary>The caller has ended every activation that is not its own by this version.</summary>
    [AlwaysInterleave, OneWay]
    Task HandedOverAsync(SiloAddress silo, long version);

    /// <summary>
    /// Asks for one grain that is the caller's by this version, before all are handed over. True when it has ended here; false when it is
    /// not known here whose it is.
    /// </summary>
    [AlwaysInterleave]
    Task<bool> ReleaseAsync(GrainId grain, long version);

    /// <summary>The clients that are connected to the caller.</summary>
    [AlwaysInterleave, OneWay]
    Task ClientsAsync(SiloAddress silo, string[] clients);

    /// <summary>Activations by grain class.</summary>
    [AlwaysInterleave]
    Task<SimpleGrainStatistic[]> GetStatisticsAsync();

    /// <summary>Ends activations that were idle for so long.</summary>
    [AlwaysInterleave]
    Task CollectAsync(TimeSpan ageLimit);
}

/// <summary>What a gateway says to a client.</summary>
[Alias("sys.IClientControl")]
internal interface IClientControl : IGrainObserver
{
    /// <summary>The silos that serve now.</summary>
    [AlwaysInterleave, OneWay]
    Task ViewAsync(ClusterSnapshot snapshot);
}
