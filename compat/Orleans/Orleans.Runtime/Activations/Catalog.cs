using System.Collections.Concurrent;

namespace Orleans.Runtime;

/// <summary>The activations of this silo.</summary>
internal sealed class Catalog(SiloRuntime silo)
{
    private readonly ConcurrentDictionary<GrainId, Activation> _activations = new();
    private readonly ConcurrentDictionary<GrainId, StatelessWorkers> _workers = new();
    private readonly ConcurrentDictionary<GrainType, GrainClassInfo> _classes = new();

    /// <summary>How many there are.</summary>
    public int Count => _activations.Count + _workers.Values.Sum(w => w.Count);

    /// <summary>All of them.</summary>
    public IEnumerable<Activation> All => _activations.Values.Concat(_workers.Values.SelectMany(w => w.All));

    /// <summary>Those that belong to one silo of the cluster: all but stateless workers.</summary>
    public IEnumerable<Activation> Movable => _activations.Values;

    /// <summary>Whether the grain has an activation here.</summary>
    public bool Has(GrainId grainId) => _activations.ContainsKey(grainId);

    /// <summary>Whether each silo has activations of its own of this grain.</summary>
    public bool IsLocalWorker(GrainId grainId) => TryFindClass(grainId.Type, out var info) && info.MaxLocalWorkers > 0;

    /// <summary>The grain's activation, if there is one here that belongs to one silo of the cluster.</summary>
    public Activation? Find(GrainId grainId) => _activations.GetValueOrDefault(grainId);

    /// <summary>Gives a request to the grain's activation, made now if there is none.</summary>
    /// <param name="grainId">The grain.</param>
    /// <param name="request">The request.</param>
    /// <param name="view">The view by which the grain belongs here; null in a silo that is alone.</param>
    public void Deliver(GrainId grainId, ActivationRequest request, Clustering.ClusterView? view = null)
    {
        if (view is null && Find(grainId) is { } known && !silo.IsStopped && known.TryEnqueue(request))
        {
            return;
        }

        if (silo.IsStopped)
        {
            request.Fail(new SiloUnavailableException($"The silo is stopped; {grainId} cannot be called."));
            return;
        }

        GrainClassInfo info;
        try
        {
            info = FindClass(grainId.Type);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            request.Fail(e);
            return;
        }

        if (info.MaxLocalWorkers > 0)
        {
            _workers.GetOrAdd(grainId, static (id, c) => new StatelessWorkers(c.silo, id, c.info), (silo, info)).Deliver(request);
            return;
        }

        while (true)
        {
            if (FindOrMake(grainId, info) is not { } activation)
            {
                request.Reroute();
                return;
            }

            activation.OwnedIn = view;
            if (activation.TryEnqueue(request))
            {
                return;
            }

            // That activation has just ended and is about to leave the catalog; the next look finds none.
            Thread.Yield();
        }
    }

    /// <summary>Takes an ended activation out.</summary>
    public void Remove(Activation activation)
    {
        if (activation.Info.MaxLocalWorkers > 0)
        {
            if (_workers.TryGetValue(activation.GrainId, out var workers))
            {
                workers.Remove(activation);
            }
        }
        else
        {
            _activations.TryRemove(KeyValuePair.Create(activation.GrainId, activation));
        }
    }

    private GrainClassInfo FindClass(GrainType type) =>
        _classes.GetOrAdd(type, static type => new GrainClassInfo(GrainManifest.Instance.FindClass(type)));

    private bool TryFindClass(GrainType type, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out GrainClassInfo? info)
    {
        try
        {
            info = FindClass(type);
            return true;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // Whoever delivers to it says what is wrong.
            info = null;
            return false;
        }
    }

    /// <summary>Null when the grain is not this silo's any more.</summary>
    private Activation? FindOrMake(GrainId grainId, GrainClassInfo info)
    {
        if (_activations.TryGetValue(grainId, out var found))
        {
            return found;
        }

        var made = new Activation(silo, grainId, info);
        found = _activations.GetOrAdd(grainId, made);
        if (ReferenceEquals(found, made))
        {
            if (!silo.MayActivate(grainId))
            {
                // The share has moved since the call was brought here, and whoever hands it over may have looked already: nothing may run.
                made.Abandon();
                return null;
            }

            made.Start();
        }

        return found;
    }
}

/// <summary>The activations of one stateless worker on this silo.</summary>
internal sealed class StatelessWorkers(SiloRuntime silo, GrainId grainId, GrainClassInfo info)
{
    private readonly List<Activation> _workers = [];

    public int Count
    {
        get
        {
            lock (_workers)
            {
                return _workers.Count;
            }
        }
    }

    public Activation[] All
    {
        get
        {
            lock (_workers)
            {
                return [.. _workers];
            }
        }
    }

    /// <summary>Gives a request to an idle worker, a new one, or the one with the least to do.</summary>
    public void Deliver(ActivationRequest request)
    {
        lock (_workers)
        {
            var least = _workers.MinBy(w => w.Load);
            if (least is null || (least.Load > 0 && _workers.Count < info.MaxLocalWorkers))
            {
                least = new Activation(silo, grainId, info);
                _workers.Add(least);
                least.Start();
            }

            if (!least.TryEnqueue(request))
            {
                _workers.Remove(least);
                Deliver(request);
            }
        }
    }

    public void Remove(Activation activation)
    {
        lock (_workers)
        {
            _workers.Remove(activation);
        }
    }
}
