using Orleans.Runtime.Networking;

namespace Orleans.Runtime.Clustering;

/// <summary>
/// A connection of its own to another silo's control object, for what must be said while this silo otherwise says nothing,
/// or to one that this silo's view calls dead. No gate holds it up; it takes no calls.
/// </summary>
internal sealed class DirectLine : IConnectionEvents, IGrainCaller, IAsyncDisposable
{
    private readonly ClusterNode _node;
    private readonly TimeSpan _timeout;
    private ClusterConnection? _connection;

    private DirectLine(ClusterNode node, TimeSpan timeout) => (_node, _timeout) = (node, timeout);

    /// <summary>Opens a line. Throws what <see cref="ClusterNetwork.DialAsync"/> throws.</summary>
    /// <param name="timeout">How long an answer may take.</param>
    /// <param name="isAnybody">Whether it may be another silo that is at the address now.</param>
    public static async Task<DirectLine> OpenAsync(
        ClusterNode node, SiloAddress silo, TimeSpan timeout, CancellationToken cancellationToken, bool isAnybody = false)
    {
        var line = new DirectLine(node, timeout);
        line._connection = await node.Network.DialAsync(silo.Endpoint, node.Local, isAnybody ? null : silo.ToParsableString(), line, cancellationToken);
        return line;
    }

    /// <summary>The silo's control object, called over this line.</summary>
    public ISiloControl ControlOf(SiloAddress silo) =>
        (ISiloControl)(object)CreateReference(typeof(ISiloControl), LocalObservers.Named(silo.ToParsableString(), ISiloControl.Name));

    /// <inheritdoc/>
    public GrainReference CreateReference(Type grainInterface, GrainId grainId) => GrainManifest.Instance.CreateReference(this, grainInterface, grainId);

    /// <inheritdoc/>
    public Task<TResult> CallAsync<TResult>(GrainReference target, GrainRequest<TResult> request)
    {
        var call = new OwnCall<TResult>(_node.Runtime, target.GrainId, request, isOneWay: false, target.UniformHash);
        _node.Runtime.Pending.Add(call, _timeout);
        if (!_connection!.TrySend(call, viewVersion: 0))
        {
            call.Fail(new SiloUnavailableException($"The line to {_connection.Remote} is closed."));
        }

        return call.Result;
    }

    /// <inheritdoc/>
    public void Send(GrainReference target, GrainRequest request)
    {
        if (request is GrainRequest<VoidResult> one)
        {
            _connection!.TrySend(new OwnCall<VoidResult>(_node.Runtime, target.GrainId, one, isOneWay: true, target.UniformHash), viewVersion: 0);
        }
    }

    /// <summary>Closes it when all is written and answered, or the time is over.</summary>
    public async ValueTask DisposeAsync()
    {
        await _connection!.IdleAsync().WaitAsync(_timeout, _node.Runtime.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _connection.Close();
    }

    ValueTask IConnectionEvents.MaySpeakAsync() => ValueTask.CompletedTask;

    void IConnectionEvents.OnCall(ClusterConnection connection, GrainCall call) =>
        call.Fail(new OrleansMessageRejectionException("This line takes no calls."));

    void IConnectionEvents.OnClosed(ClusterConnection connection, Exception? reason)
    {
    }
}
