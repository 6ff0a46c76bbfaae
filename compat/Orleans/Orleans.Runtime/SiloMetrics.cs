using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Orleans.Runtime;

/// <summary>The engine's instruments, under the names that Orleans gives them.</summary>
internal static class SiloMetrics
{
    private static readonly ConcurrentDictionary<SiloRuntime, byte> Silos = new(ReferenceEqualityComparer.Instance);
    private static readonly Meter Meter = new("Microsoft.Orleans");

    static SiloMetrics()
    {
        Meter.CreateObservableGauge(
            "orleans-catalog-activations", static () => Silos.Keys.Sum(s => s.Catalog.Count), description: "Activations in memory");
        Meter.CreateObservableGauge(
            "orleans-app-requests-pending", static () => Silos.Keys.Sum(s => s.Pending.Count), description: "Calls whose callers wait");
        Meter.CreateObservableGauge(
            "orleans-observers", static () => Silos.Keys.Sum(s => s.Observers.Count), description: "Objects that are called by reference");
    }

    public static Counter<long> ActivationsCreated { get; } =
        Meter.CreateCounter<long>("orleans-catalog-activations-created", description: "Activations made since the start");

    public static Counter<long> ActivationsEnded { get; } =
        Meter.CreateCounter<long>("orleans-catalog-activations-destroyed", description: "Activations ended since the start");

    public static Counter<long> TimedOut { get; } =
        Meter.CreateCounter<long>("orleans-app-requests-timedout", description: "Calls that were not answered in time");

    public static void Observe(SiloRuntime silo) => Silos.TryAdd(silo, 0);

    public static void Forget(SiloRuntime silo) => Silos.TryRemove(silo, out _);
}
