using Orleans.Runtime.Networking;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>A call that was made in this process.</summary>
internal sealed class OwnCall<TResult> : GrainCall<TResult>
{
    private readonly IGrainContext? _source = RuntimeContext.Current;
    private readonly TaskCompletionSource<TResult>? _result;

    public OwnCall(CallRuntime runtime, GrainId target, GrainRequest<TResult> request, bool isOneWay)
        : base(runtime, target, request)
    {
        Values = RequestContext.Export();
        Chain = RequestContext.ReentrancyId;
        if (!isOneWay)
        {
            _result = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>What the caller awaits.</summary>
    public Task<TResult> Result => _result!.Task;

    /// <inheritdoc/>
    public override GrainId? Source => _source?.GrainId;

    /// <inheritdoc/>
    public override bool IsDone => _result?.Task.IsCompleted ?? false;

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
        else if (_result.TrySetException(exception))
        {
            End();
        }
    }

    /// <inheritdoc/>
    public override void Answer(ReadOnlyMemory<byte> payload)
    {
        TResult value;
        try
        {
            value = WireAnswer.Read<TResult>(payload, Runtime.Caller, out var exception);
            if (exception is not null)
            {
                Fail(exception);
                return;
            }
        }
        catch (SerializerException e)
        {
            Fail(e);
            return;
        }

        if (_result is not null && _result.TrySetResult(value))
        {
            End();
        }
    }

    /// <inheritdoc/>
    protected override void Complete(TResult value)
    {
        if (_result is not null && _result.TrySetResult(DeepCopy.Of(value)))
        {
            End();
        }
    }

    private void End()
    {
        Runtime.Pending.Remove(this);
        Sent.Connection?.Forget(Sent.Id);
    }
}
