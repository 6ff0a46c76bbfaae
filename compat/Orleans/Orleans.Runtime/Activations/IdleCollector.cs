namespace Orleans.Runtime;

/// <summary>Looks for activations that were idle for too long, every GrainCollectionOptions.CollectionQuantum.</summary>
internal sealed class IdleCollector(SiloRuntime silo) : IDisposable
{
    private ITimer? _timer;

    public void Start() => _timer = silo.Time.CreateTimer(
        static self => ((IdleCollector)self!).Collect(), this, silo.Collection.CollectionQuantum, silo.Collection.CollectionQuantum);

    private void Collect()
    {
        foreach (var activation in silo.Catalog.All)
        {
            var limit = AgeOf(activation.Info);
            if (limit != Timeout.InfiniteTimeSpan)
            {
                activation.TryCollect(limit);
            }
        }
    }

    public void Dispose() => _timer?.Dispose();

    private TimeSpan AgeOf(GrainClassInfo info) =>
        silo.Collection.ClassSpecificCollectionAge.TryGetValue(info.Class.FullName!, out var configured) ? configured
        : info.AgeLimit ?? silo.Collection.CollectionAge;
}
