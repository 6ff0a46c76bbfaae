using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Runtime;

namespace Orleans.TestingHost;

/// <summary>A silo of a test cluster.</summary>
public sealed class SiloHandle
{
    /// <summary>The host's own limit is on the system's clock.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly IHost _host;
    private readonly TimeProvider _time;

    internal SiloHandle(string name, IHost host, TimeProvider time)
    {
        _time = time;
        Name = name;
        _host = host;
        Runtime = host.Services.GetRequiredService<SiloRuntime>();
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its address; in a cluster of one silo that listens nowhere, there is none.</summary>
    public SiloAddress SiloAddress => Runtime.Cluster?.Self ?? throw new InvalidOperationException("The silo is alone and has no address.");

    /// <summary>False once it was stopped or killed.</summary>
    public bool IsActive { get; private set; } = true;

    /// <summary>Its services.</summary>
    public IServiceProvider ServiceProvider => _host.Services;

    /// <summary>True once the other silos have declared it dead, or it was killed.</summary>
    public bool HasEnded => Runtime.IsStopped;

    internal SiloRuntime Runtime { get; }

    /// <summary>
    /// From now on this silo knows nothing of another one and takes its grains for its own, as an engine with a bug might:
    /// checkers prove with it that they would see that.
    /// </summary>
    public void Forget(SiloAddress other)
    {
        var oracle = Runtime.Cluster?.Oracle ?? throw new InvalidOperationException("The silo is alone.");
        var known = oracle.View.Snapshot;
        oracle.Take(new Runtime.Clustering.ClusterSnapshot(known.Version + 1, [.. known.Members.Where(m => m.Silo != other)]));
    }

    internal Task StartAsync() => _host.StartAsync();

    /// <summary>Stops it in an orderly way.</summary>
    public async Task StopSiloAsync(bool stopGracefully)
    {
        if (!IsActive)
        {
            return;
        }

        IsActive = false;
        if (!stopGracefully)
        {
            Runtime.Kill();
        }

        using var limit = new CancellationTokenSource(StopLimit, _time);
        await _host.StopAsync(limit.Token);
        await DisposeHostAsync();
    }

    private async Task DisposeHostAsync()
    {
        if (_host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
    }
}
