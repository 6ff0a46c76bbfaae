using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;
using Orleans.Runtime.Clients;
using Orleans.Runtime.Networking;

namespace Orleans.TestingHost;

/// <summary>
/// The network between the silos and clients of a test cluster. What a cut link was given is kept and comes when it is
/// mended, as TCP would have it; new connections over it are not possible.
/// </summary>
public sealed class TestNetwork : INetworkFaults
{
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<(string From, string To), byte> _cut = new();
    private readonly ConcurrentDictionary<(string From, string To), TimeSpan> _delays = new();
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal TestNetwork(TimeProvider time) => _time = time;

    /// <summary>Nothing passes between two silos, in either direction.</summary>
    public void Cut(SiloAddress first, SiloAddress second)
    {
        CutOneWay(first, second);
        CutOneWay(second, first);
    }

    /// <summary>Nothing passes from one silo to another.</summary>
    public void CutOneWay(SiloAddress from, SiloAddress to) => _cut[(from.ToParsableString(), to.ToParsableString())] = 0;

    /// <summary>Nothing passes between a client of the cluster and a silo, in either direction.</summary>
    public void Cut(IClusterClient client, SiloAddress silo)
    {
        var name = NameOf(client);
        _cut[(name, silo.ToParsableString())] = 0;
        _cut[(silo.ToParsableString(), name)] = 0;
    }

    /// <summary>A link between two silos is as it was, in both directions.</summary>
    public void Mend(SiloAddress first, SiloAddress second) => Mend(first.ToParsableString(), second.ToParsableString());

    /// <summary>A link between a client and a silo is as it was.</summary>
    public void Mend(IClusterClient client, SiloAddress silo) => Mend(NameOf(client), silo.ToParsableString());

    /// <summary>Nothing passes between two groups of silos.</summary>
    public void Partition(IEnumerable<SiloAddress> first, IEnumerable<SiloAddress> second)
    {
        SiloAddress[] others = [.. second];
        foreach (var silo in first)
        {
            foreach (var other in others)
            {
                Cut(silo, other);
            }
        }
    }

    /// <summary>Whatever goes from one silo to the other takes so much longer.</summary>
    public void Delay(SiloAddress from, SiloAddress to, TimeSpan time) => _delays[(from.ToParsableString(), to.ToParsableString())] = time;

    /// <summary>All links are as they were.</summary>
    public void Heal()
    {
        _cut.Clear();
        _delays.Clear();
        SayChanged();
    }

    private static string NameOf(IClusterClient client) => client.ServiceProvider.GetRequiredService<ClientRuntime>().Local.Name;

    private void Mend(string first, string second)
    {
        foreach (var link in ((string From, string To)[])[(first, second), (second, first)])
        {
            _cut.TryRemove(link, out _);
            _delays.TryRemove(link, out _);
        }

        SayChanged();
    }

    private void SayChanged() =>
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    bool INetworkFaults.IsCut(string from, string to) => _cut.ContainsKey((from, to)) || _cut.ContainsKey((to, from));

    async ValueTask INetworkFaults.PassAsync(string from, string to, CancellationToken cancellationToken)
    {
        if (_delays.TryGetValue((from, to), out var delay))
        {
            await Task.Delay(delay, _time, cancellationToken);
        }

        while (true)
        {
            var changed = _changed.Task;
            if (!_cut.ContainsKey((from, to)))
            {
                return;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }
}
