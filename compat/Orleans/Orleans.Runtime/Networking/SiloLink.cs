using System.Net;
using System.Net.Sockets;

namespace Orleans.Runtime.Networking;

/// <summary>Who uses a link.</summary>
internal interface ILinkOwner : IConnectionEvents
{
    PeerIdentity Local { get; }

    CallRuntime Runtime { get; }

    ClusterNetwork Network { get; }

    /// <summary>The membership version that calls are sent with; 0 for none.</summary>
    long ViewVersion { get; }

    /// <summary>The link was opened.</summary>
    void OnLinked(SiloLink link);

    /// <summary>The link was lost, or could not be opened.</summary>
    void OnUnlinked(SiloLink link);
}

/// <summary>
/// The way to one silo: a connection that is opened on demand and anew when it was lost. Calls wait for it for a short
/// time; when the silo is declared dead they go elsewhere.
/// </summary>
internal sealed class SiloLink(ILinkOwner owner, SiloAddress silo, IPEndPoint endpoint, string? expected)
{
    /// <summary>A call that could not be sent for so long fails: its caller knows better what to do than we.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Queue<(GrainCall Call, long Since)> _waiting = new();
    private readonly CancellationTokenSource _ended = new();
    private ClusterConnection? _connection;
    private bool _isOpening;
    private bool _isRetired;

    public SiloAddress Silo => silo;

    public IPEndPoint Endpoint => endpoint;

    public bool IsOpen => _connection is { IsClosed: false };

    /// <summary>Sends a call if the connection is open.</summary>
    public bool TrySend(GrainCall call) => _connection is { } connection && connection.TrySend(call, owner.ViewVersion);

    /// <summary>Sends a call, now or when the connection is open.</summary>
    public void Send(GrainCall call)
    {
        if (TrySend(call))
        {
            return;
        }

        lock (_lock)
        {
            if (!_ended.IsCancellationRequested && !_isRetired)
            {
                _waiting.Enqueue((call, owner.Runtime.Time.GetTimestamp()));
                EnsureOpening();
                return;
            }
        }

        call.Reroute();
    }

    /// <summary>Whether a call of that kind waits for the connection or for its answer.</summary>
    public bool Awaits(Predicate<GrainCall> predicate)
    {
        lock (_lock)
        {
            if (_waiting.Any(w => predicate(w.Call)))
            {
                return true;
            }
        }

        return _connection?.Awaits(predicate) == true;
    }

    /// <summary>Opens the connection if it is not open.</summary>
    public void Open()
    {
        lock (_lock)
        {
            EnsureOpening();
        }
    }

    /// <summary>The silo is not to be called any more. Calls that were not sent go elsewhere, those that wait for an answer fail.</summary>
    public void End(string reason)
    {
        GrainCall[] left;
        lock (_lock)
        {
            _ended.Cancel();
            left = [.. _waiting.Select(w => w.Call)];
            _waiting.Clear();
        }

        _connection?.Close(new SiloUnavailableException(reason));
        foreach (var call in left)
        {
            call.Reroute();
        }
    }

    /// <summary>Lets what was sent be answered. More may be sent meanwhile.</summary>
    public async Task DrainAsync(TimeSpan limit)
    {
        if (_connection is { IsClosed: false } open)
        {
            await open.IdleAsync().WaitAsync(limit, owner.Runtime.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Lets what was sent be answered, then ends. What is sent meanwhile, by somebody who has found this link a moment ago, goes elsewhere.</summary>
    public async Task RetireAsync(TimeSpan limit, string reason)
    {
        lock (_lock)
        {
            _isRetired = true;
            _connection?.RefuseCalls();
        }

        await DrainAsync(limit);
        End(reason);
    }

    /// <summary>The connection of this link was closed.</summary>
    public bool Closed(ClusterConnection connection)
    {
        lock (_lock)
        {
            if (_connection != connection)
            {
                return false;
            }

            _connection = null;
            if (_waiting.Count > 0)
            {
                EnsureOpening();
            }
        }

        owner.OnUnlinked(this);
        return true;
    }

    private void EnsureOpening()
    {
        if (!_isOpening && !IsOpen && !_isRetired && !_ended.IsCancellationRequested)
        {
            _isOpening = true;

            // Without the context of whoever happens to call first: the connection outlives his call.
            ThreadPool.UnsafeQueueUserWorkItem(static link => _ = link.OpenAsync(), this, preferLocal: false);
        }
    }

    private async Task OpenAsync()
    {
        while (!_ended.IsCancellationRequested)
        {
            try
            {
                var connection = await owner.Network.DialAsync(endpoint, owner.Local, expected, owner, _ended.Token);
                if (Use(connection))
                {
                    owner.OnLinked(this);
                    return;
                }
            }
            catch (Exception e) when (e is IOException or SocketException or OrleansException or OperationCanceledException
                or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
            {
                owner.Runtime.Log.ConnectionEnded(silo.ToString(), e.Message);
                FailProbes(e);
                owner.OnUnlinked(this);
                GiveUpOld(e);
            }

            lock (_lock)
            {
                if (_waiting.Count == 0)
                {
                    _isOpening = false;
                    return;
                }
            }

            await Task.Delay(RetryAfter, owner.Runtime.Time);
        }

        lock (_lock)
        {
            _isOpening = false;
        }
    }

    private bool Use(ClusterConnection connection)
    {
        while (true)
        {
            (GrainCall Call, long Since) next;
            lock (_lock)
            {
                if (_ended.IsCancellationRequested || connection.IsClosed)
                {
                    connection.Close();
                    return false;
                }

                if (!_waiting.TryDequeue(out next))
                {
                    _connection = connection;
                    _isOpening = false;
                    return true;
                }
            }

            if (!connection.TrySend(next.Call, owner.ViewVersion))
            {
                PutBack(next);
                return false;
            }
        }
    }

    /// <summary>In front of the others: calls go in the order in which they came.</summary>
    private void PutBack((GrainCall Call, long Since) first)
    {
        lock (_lock)
        {
            if (!_ended.IsCancellationRequested)
            {
                var others = _waiting.ToArray();
                _waiting.Clear();
                _waiting.Enqueue(first);
                foreach (var other in others)
                {
                    _waiting.Enqueue(other);
                }

                return;
            }
        }

        first.Call.Reroute();
    }

    /// <summary>A question to the silo itself is answered by its silence: nothing else could answer it.</summary>
    private void FailProbes(Exception reason)
    {
        GrainCall[] probes;
        lock (_lock)
        {
            probes = [.. _waiting.Select(w => w.Call).Where(c => !c.IsOneWay && c.Target.Type == LocalObservers.Type)];
            var left = _waiting.Where(w => !probes.Contains(w.Call)).ToArray();
            _waiting.Clear();
            foreach (var call in left)
            {
                _waiting.Enqueue(call);
            }
        }

        foreach (var call in probes)
        {
            call.Fail(new SiloUnavailableException($"{silo} cannot be reached.", reason));
        }
    }

    private void GiveUpOld(Exception reason)
    {
        while (true)
        {
            GrainCall call;
            lock (_lock)
            {
                if (!_waiting.TryPeek(out var oldest) || owner.Runtime.Time.GetElapsedTime(oldest.Since) < MaxWait)
                {
                    return;
                }

                call = _waiting.Dequeue().Call;
            }

            call.Fail(new SiloUnavailableException($"{silo} cannot be reached; {call.Target} was not called.", reason));
        }
    }
}
