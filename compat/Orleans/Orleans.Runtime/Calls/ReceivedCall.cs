using Orleans.Runtime.Networking;

namespace Orleans.Runtime;

/// <summary>A call that came over a connection and is answered there, whether it runs here or is passed on.</summary>
internal sealed class ReceivedCall<TResult> : GrainCall<TResult>, IReceivedCall
{
    private readonly ReceivedHeader _header;
    private readonly ClusterConnection _connection;
    private readonly CancellationTokenSource? _cancellation;
    private int _isAnswered;

    public ReceivedCall(CallRuntime runtime, GrainId target, GrainRequest<TResult> request, in ReceivedHeader header)
        : base(runtime, target, request)
    {
        _header = header;
        _connection = header.Connection;
        if (request.TakesCancellationToken)
        {
            _cancellation = new CancellationTokenSource();
            _connection.NoteReceived(header.Id, this);
            request.SetCancellationToken(_cancellation.Token);
        }
    }

    /// <inheritdoc/>
    public override GrainId? Source => _header.Source;

    /// <inheritdoc/>
    public override bool IsDone => Volatile.Read(ref _isAnswered) != 0 || (ExpiresAt != 0 && Runtime.Pending.Now > ExpiresAt);

    /// <inheritdoc/>
    public override bool IsOneWay => _header.Id == 0;

    /// <inheritdoc/>
    public override int Hops => _header.Hops;

    /// <inheritdoc/>
    public override Dictionary<string, object>? Values => _header.Values;

    /// <inheritdoc/>
    public override Guid Chain => _header.Chain;

    /// <inheritdoc/>
    public ClusterConnection Connection => _connection;

    /// <inheritdoc/>
    public override long ViewVersion => _header.ViewVersion;

    /// <inheritdoc/>
    public void Cancel()
    {
        _cancellation?.CancelAsync();
        Sent.Connection?.SendCancel(Sent.Id);
    }

    /// <inheritdoc/>
    public override void Fail(Exception exception)
    {
        if (IsOneWay)
        {
            LogFailure(exception);
        }
        else if (TryEnd())
        {
            WireAnswer.SendFailure(_connection, _header.Id, exception);
        }
    }

    /// <inheritdoc/>
    public override void Answer(Serialization.Reader payload)
    {
        if (!IsOneWay && TryEnd())
        {
            WireAnswer.PassOn(_connection, _header.Id, payload.Rest);
        }
    }

    /// <inheritdoc/>
    protected override void Complete(TResult value)
    {
        if (!IsOneWay && TryEnd())
        {
            WireAnswer.Send(_connection, _header.Id, value);
        }
    }

    private bool TryEnd()
    {
        if (Interlocked.Exchange(ref _isAnswered, 1) != 0)
        {
            return false;
        }

        Sent.Connection?.Forget(Sent.Id);
        if (_cancellation is not null)
        {
            _connection.ForgetReceived(_header.Id);
        }

        return true;
    }
}

/// <summary>What came with a call beside its target and arguments.</summary>
/// <param name="Connection">Where it came from, and where the answer goes.</param>
/// <param name="Id">Its number there; 0 when it is not answered.</param>
/// <param name="ViewVersion">The membership version by which the sender chose this silo.</param>
internal readonly record struct ReceivedHeader(
    ClusterConnection Connection,
    ulong Id,
    int Hops,
    GrainId? Source,
    Guid Chain,
    Dictionary<string, object>? Values,
    long ViewVersion);
