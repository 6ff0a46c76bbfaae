using System.Collections.Concurrent;
using Orleans.Runtime.Networking;

namespace Orleans.Runtime.Clustering;

/// <summary>
/// The clients that are connected to this silo, and which silo has which others. A client connects to every gateway, so
/// its objects can mostly be called from here; one that has just lost its connection is given time to come back.
/// </summary>
internal sealed class Gateway(ClusterNode node)
{
    /// <summary>Calls of a client's objects wait so long for its connection.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    /// <summary>How often a silo that leaves looks whether its clients have their answers.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<string, ClusterConnection> _clients = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<SiloAddress, HashSet<string>> _elsewhere = new();
    private readonly ConcurrentDictionary<string, Absent> _absent = new(StringComparer.Ordinal);
    private readonly WakeSignal _someLeft = new(node.Runtime.Time);

    public int Count => _clients.Count;

    /// <summary>A client has connected: it is told the view, the others are told of it.</summary>
    public void Add(ClusterConnection connection)
    {
        var client = connection.Remote.Name;
        if (_clients.TryGetValue(client, out var old))
        {
            old.Close(new OrleansException("The client has connected anew."));
        }

        _clients[client] = connection;
        node.Runtime.Log.ClientConnected(client);
        TellView(client);
        TellClients();
        if (_absent.TryRemove(client, out var absent))
        {
            foreach (var call in absent.TakeAll())
            {
                Deliver(call);
            }
        }
    }

    /// <summary>A connection has ended. False when it was no client's.</summary>
    public bool Remove(ClusterConnection connection)
    {
        if (connection.Remote.IsSilo)
        {
            return false;
        }

        if (_clients.TryRemove(KeyValuePair.Create(connection.Remote.Name, connection)))
        {
            node.Runtime.Log.ClientLeft(connection.Remote.Name);
            _someLeft.Set();
            TellClients();
        }

        return true;
    }

    /// <summary>Calls an object of a client.</summary>
    public void Deliver(GrainCall call)
    {
        var client = LocalObservers.OwnerOf(call.Target).ToString();
        if (_clients.TryGetValue(client, out var connection) && connection.TrySend(call, 0))
        {
            return;
        }

        foreach (var (silo, clients) in _elsewhere)
        {
            if (call.Hops < ClusterNode.MaxHops && clients.Contains(client) && node.TryLink(silo) is { } link)
            {
                link.Send(call);
                return;
            }
        }

        var absent = _absent.GetOrAdd(client, static (_, now) => new Absent(now), node.Runtime.Time.GetTimestamp());
        if (!absent.TryAdd(call, node.Runtime.Time, Grace))
        {
            Fail(call);
        }
        else if (absent.IsFirst())
        {
            _ = GiveUpAsync(client, absent);
        }
    }

    /// <summary>Which clients another silo has.</summary>
    public void Learn(SiloAddress silo, string[] clients) => _elsewhere[silo] = clients.ToHashSet(StringComparer.Ordinal);

    /// <summary>A new view: clients are told, new silos are told of our clients, and those that are gone are forgotten.</summary>
    public void OnView(ClusterView view)
    {
        foreach (var silo in _elsewhere.Keys.Where(s => !view.IsActive(s)))
        {
            _elsewhere.TryRemove(silo, out _);
        }

        foreach (var client in _clients.Keys)
        {
            TellView(client);
        }

        if (!_clients.IsEmpty)
        {
            TellClients();
        }
    }

    /// <summary>
    /// Waits until the clients, which know that this silo leaves, have their answers and have gone. While one of them waits for what was passed on
    /// this takes up to the limit; one that waits for nothing and stays is given a moment.
    /// </summary>
    public async Task DrainAsync(TimeSpan moment, TimeSpan limit, CancellationToken cancellationToken)
    {
        var time = node.Runtime.Time;
        var (since, quietSince) = (time.GetTimestamp(), time.GetTimestamp());
        while (!_clients.IsEmpty && !cancellationToken.IsCancellationRequested && time.GetElapsedTime(since) < limit)
        {
            if (node.HasPassedOn(static call => call is IReceivedCall { Connection: { IsClosed: false, Remote.IsSilo: false } }))
            {
                quietSince = time.GetTimestamp();
            }
            else if (time.GetElapsedTime(quietSince) >= moment)
            {
                return;
            }

            await _someLeft.WaitAsync(LookAgain, cancellationToken);
        }
    }

    /// <summary>Closes every client's connection.</summary>
    public void CloseAll()
    {
        foreach (var connection in _clients.Values)
        {
            connection.Close(new SiloUnavailableException("The gateway stops."));
        }
    }

    private static void Fail(GrainCall call) =>
        call.Fail(new ClientNotAvailableException($"The client of {call.Target} is not connected."));

    private void TellView(string client) =>
        node.Runtime.Factory.GetGrain<IClientControl>(LocalObservers.Named(client, ISiloControl.Name)).ViewAsync(node.Oracle.View.Snapshot);

    private void TellClients()
    {
        string[] clients = [.. _clients.Keys];
        foreach (var member in node.Oracle.View.Active.Where(m => m.Silo != node.Self))
        {
            node.ControlOf(member.Silo).ClientsAsync(node.Self, clients);
        }
    }

    private async Task GiveUpAsync(string client, Absent absent)
    {
        await Task.Delay(Grace, node.Runtime.Time);
        foreach (var call in absent.TakeAll())
        {
            Fail(call);
        }

        // Whoever calls it within the next while fails at once.
        await Task.Delay(Grace * 10, node.Runtime.Time);
        _absent.TryRemove(KeyValuePair.Create(client, absent));
    }

    /// <summary>Calls for a client that is not connected.</summary>
    private sealed class Absent(long since)
    {
        private readonly List<GrainCall> _calls = [];
        private bool _isOver;
        private bool _isWatched;

        public bool TryAdd(GrainCall call, TimeProvider time, TimeSpan grace)
        {
            lock (_calls)
            {
                if (_isOver || time.GetElapsedTime(since) > grace)
                {
                    return false;
                }

                _calls.Add(call);
                return true;
            }
        }

        public bool IsFirst()
        {
            lock (_calls)
            {
                return !_isWatched && (_isWatched = true);
            }
        }

        public GrainCall[] TakeAll()
        {
            lock (_calls)
            {
                _isOver = true;
                GrainCall[] calls = [.. _calls];
                _calls.Clear();
                return calls;
            }
        }
    }
}
