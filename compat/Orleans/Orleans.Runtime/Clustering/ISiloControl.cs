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

    /// <summary>What the silo knows of the caller, which stood still and does not reach the table.</summary>
    [AlwaysInterleave]
    Task<SiloWord> VouchAsync(SiloAddress asker);

    /// <summary>Activations by grain class.</summary>
    [AlwaysInterleave]
    Task<SimpleGrainStatistic[]> GetStatisticsAsync();

    /// <summary>Ends activations that were idle for so long.</summary>
    [AlwaysInterleave]
    Task CollectAsync(TimeSpan ageLimit);
}

/// <summary>What a silo knows of another one that asks whether it still belongs to the cluster.</summary>
/// <param name="View">The membership that it knows.</param>
/// <param name="IsSure">Both serve, by that membership.</param>
/// <param name="IsSuspecting">It has voted the other one dead, and does not know yet what became of the vote.</param>
[GenerateSerializer, Immutable, Alias("sys.SiloWord")]
internal sealed record SiloWord([property: Id(0)] ClusterSnapshot View, [property: Id(1)] bool IsSure, [property: Id(2)] bool IsSuspecting);

/// <summary>What a gateway says to a client.</summary>
[Alias("sys.IClientControl")]
internal interface IClientControl : IGrainObserver
{
    /// <summary>The silos that serve now.</summary>
    [AlwaysInterleave, OneWay]
    Task ViewAsync(ClusterSnapshot snapshot);
}
