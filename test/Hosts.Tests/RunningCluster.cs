using VoiceCluster.Browser.Tests;
using Xunit.Abstractions;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace VoiceCluster.Hosts.Tests;

/// <summary>One cluster of processes for all tests of the collection. A test leaves every process running; after one that fails it is started anew.</summary>
public sealed class RunningCluster : IAsyncLifetime
{
    private LocalCluster? _cluster;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    /// <summary>Runs a test; when it fails, its output has the end of every process's log.</summary>
    internal async Task RunAsync(ITestOutputHelper output, Func<LocalCluster, Task> test)
    {
        // Everybody comes from one address here.
        var cluster = _cluster ??= await LocalCluster.StartAsync(("RateLimit__Enabled", "false"));
        try
        {
            await test(cluster);
        }
        catch
        {
            output.WriteLine(cluster.Logs());
            _cluster = null;
            await cluster.DisposeAsync();
            throw;
        }
    }
}

/// <summary>The tests that share the cluster, one after another.</summary>
[CollectionDefinition(Name)]
public sealed class RunningClusterGroup : ICollectionFixture<RunningCluster>
{
    public const string Name = "running cluster";
}
