using System.Reflection;
using Orleans.Storage;

namespace Orleans.Runtime;

/// <summary>One call on its way: the request, who waits for it, and what travels with it.</summary>
internal abstract class GrainCall : ActivationRequest
{
    protected GrainCall(SiloRuntime silo, GrainReference target, GrainRequest request)
    {
        Silo = silo;
        Target = target;
        Source = RuntimeContext.Current;
        Request = request;
        Values = RequestContext.Export();
        Chain = RequestContext.ReentrancyId;
    }

    public SiloRuntime Silo { get; }

    public GrainReference Target { get; }

    /// <summary>The calling activation, or null for a client.</summary>
    public IGrainContext? Source { get; }

    public GrainRequest Request { get; }

    /// <summary>When the caller stops waiting, as the clock's timestamp.</summary>
    public long ExpiresAt { get; set; }

    /// <inheritdoc/>
    public override bool AlwaysInterleave => (Request.Options & GrainRequestOptions.AlwaysInterleave) != 0;

    /// <inheritdoc/>
    public override bool IsReadOnly => (Request.Options & GrainRequestOptions.ReadOnly) != 0;

    /// <inheritdoc/>
    public override Guid ReentrancyId => Chain;

    /// <inheritdoc/>
    public override GrainRequest? Call => Request;

    /// <summary>True when the caller waits no more.</summary>
    public abstract bool IsDone { get; }

    protected Dictionary<string, object>? Values { get; }

    protected Guid Chain { get; }

    /// <inheritdoc/>
    public override void Reroute() => Silo.Dispatch(this);

    /// <summary>Ends the caller's wait.</summary>
    public void TimeOut() => Fail(new TimeoutException(
        $"Response did not arrive on time for {Request.GetInterfaceName()}.{Request.GetMethodName()} on {Target.GrainId}."));

    /// <summary>Runs it on an observer object. Called in the object's own order.</summary>
    public abstract Task RunOnAsync(object target);
}

/// <summary>A call with its result's type.</summary>
internal sealed class GrainCall<TResult> : GrainCall
{
    private readonly TaskCompletionSource<TResult>? _result;

    public GrainCall(SiloRuntime silo, GrainReference target, GrainRequest<TResult> request, bool isOneWay)
        : base(silo, target, request)
    {
        if (!isOneWay)
        {
            _result = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>What the caller awaits.</summary>
    public Task<TResult> Result => _result!.Task;

    /// <inheritdoc/>
    public override bool IsDone => _result?.Task.IsCompleted ?? false;

    /// <inheritdoc/>
    public override async Task RunAsync(Activation activation)
    {
        if (IsDone)
        {
            // The caller has stopped waiting while the call was queued; running it now would surprise everybody.
            return;
        }

        RequestContext.Import(Values, Chain);
        try
        {
            var request = (GrainRequest<TResult>)Request;
            var instance = activation.GrainInstance!;
            var value = Silo.IncomingFilters.Length == 0 && instance is not IIncomingGrainCallFilter
                ? await request.InvokeAsync(instance)
                : await InvokeFilteredAsync(activation, instance);
            Complete(value);
        }
        catch (Exception e)
        {
            Fail(e);
            if (e is InconsistentStateException && Source?.GrainId != activation.GrainId)
            {
                // Its state is not the stored one: whoever comes next must read it anew.
                activation.Deactivate(new DeactivationReason(
                    DeactivationReasonCode.ApplicationError, e, "The stored state was written by somebody else."));
            }
        }
    }

    /// <inheritdoc/>
    public override async Task RunOnAsync(object target)
    {
        if (IsDone)
        {
            return;
        }

        RequestContext.Import(Values, Chain);
        try
        {
            Complete(await ((GrainRequest<TResult>)Request).InvokeAsync(target));
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    /// <inheritdoc/>
    public override void Fail(Exception exception)
    {
        if (_result is null)
        {
            if (exception is ClientNotAvailableException)
            {
                // An observer that has just left is the normal end of one, not a fault.
                Silo.Log.OneWayTargetGone(Target.GrainId, Request.GetMethodName());
            }
            else
            {
                Silo.Log.OneWayFailed(exception, Target.GrainId, Request.GetMethodName());
            }

            return;
        }

        if (_result.TrySetException(exception))
        {
            Silo.Pending.Remove(this);
        }
    }

    private void Complete(TResult value)
    {
        if (_result is not null && _result.TrySetResult(Serialization.DeepCopy.Of(value)))
        {
            Silo.Pending.Remove(this);
        }
    }

    private async Task<TResult> InvokeFilteredAsync(Activation activation, object instance)
    {
        IIncomingGrainCallFilter[] filters = instance is IIncomingGrainCallFilter own ? [.. Silo.IncomingFilters, own] : Silo.IncomingFilters;
        var context = new IncomingCallContext(this, activation, instance, filters);
        await context.Invoke();
        return context.Result is TResult result ? result : default!;
    }
}
