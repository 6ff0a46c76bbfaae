using Orleans.Runtime.Networking;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>
/// A call that was made in this process. A client's caller goes on where its answer was read, when that was alone, and
/// on the thread pool else; in a silo, where a turn may end a call, always on the thread pool or as a turn of its grain.
/// </summary>
internal sealed class OwnCall<TResult> : GrainCall<TResult>, IThreadPoolWorkItem
{
    private readonly IGrainContext? _source = RuntimeContext.Current;
    private readonly TaskCompletionSource<TResult>? _result;
    private TResult _value = default!;
    private Exception? _exception;
    private int _isEnded;

    public OwnCall(CallRuntime runtime, GrainId target, GrainRequest<TResult> request, bool isOneWay, uint uniformHash)
        : base(runtime, target, request, uniformHash)
    {
        Values = RequestContext.Export();
        Chain = RequestContext.ReentrancyId;
        if (!isOneWay)
        {
            _result = new TaskCompletionSource<TResult>(
                runtime.IsClient ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>What the caller awaits.</summary>
    public Task<TResult> Result => _result!.Task;

    /// <inheritdoc/>
    public override GrainId? Source => _source?.GrainId;

    /// <inheritdoc/>
    public override bool IsDone => Volatile.Read(ref _isEnded) != 0;

    /// <inheritdoc/>
    public override bool IsOneWay => _result is null;

    /// <inheritdoc/>
    public override int Hops => 0;

    /// <inheritdoc/>
    public override Dictionary<string, object>? Values { get; }

    /// <inheritdoc/>
    public override Guid Chain { get; }

    /// <inheritdoc/>
    public override void Fail(Exception exception)
    {
        if (_result is null)
        {
            LogFailure(exception);
        }
        else
        {
            End(default!, exception);
        }
    }

    /// <inheritdoc/>
    public override void Answer(Reader payload)
    {
        TResult value;
        Exception? exception;
        try
        {
            value = WireAnswer.Read<TResult>(payload, out exception);
        }
        catch (SerializerException e)
        {
            (value, exception) = (default!, e);
        }

        if (_result is not null)
        {
            End(value, exception);
        }
    }

    /// <inheritdoc/>
    protected override void Complete(TResult value)
    {
        if (_result is not null)
        {
            End(DeepCopy.Of(value), null);
        }
    }

    /// <summary>A client's caller goes on.</summary>
    void IThreadPoolWorkItem.Execute() => Tell();

    private void End(TResult value, Exception? exception)
    {
        if (Interlocked.Exchange(ref _isEnded, 1) != 0)
        {
            return;
        }

        (_value, _exception) = (value, exception);
        PendingCalls.Remove(this);
        Sent.Connection?.Forget(Sent.Id);
        if (Runtime.IsClient)
        {
            HeldWork.Queue(this);
        }
        else
        {
            Tell();
        }
    }

    private void Tell()
    {
        if (_exception is null)
        {
            _result!.SetResult(_value);
        }
        else
        {
            _result!.SetException(_exception);
        }
    }
}
