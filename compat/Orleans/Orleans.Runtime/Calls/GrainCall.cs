using Orleans.Storage;

namespace Orleans.Runtime;

/// <summary>
/// One call on its way: the request, who waits for it, and what travels with it. It was made in this process
/// (<see cref="OwnCall{TResult}"/>), or it came over a connection (<see cref="ReceivedCall{TResult}"/>).
/// </summary>
internal abstract class GrainCall : ActivationRequest
{
    private uint _uniformHash;

    protected GrainCall(CallRuntime runtime, GrainId target, GrainRequest request, uint uniformHash = 0)
    {
        _uniformHash = uniformHash;
        Runtime = runtime;
        Target = target;
        Request = request;
    }

    public CallRuntime Runtime { get; }

    public GrainId Target { get; }

    /// <summary>The calling grain, or null for a client.</summary>
    public abstract GrainId? Source { get; }

    public GrainRequest Request { get; }

    /// <summary>When the caller stops waiting, by the clock of <see cref="PendingCalls"/>; 0 when nobody waits.</summary>
    public long ExpiresAt { get; set; }

    /// <summary>Where it is noted as waited for, and its neighbours there. Theirs to change.</summary>
    public volatile PendingCalls.Stripe? Pending;

    /// <inheritdoc cref="Pending"/>
    public GrainCall? NextPending { get; set; }

    /// <inheritdoc cref="Pending"/>
    public GrainCall? PreviousPending { get; set; }

    /// <summary>The membership version by which the sender chose this silo; 0 for a call of this process, and for a client that has none.</summary>
    public virtual long ViewVersion => 0;

    /// <summary>The target's uniform hash.</summary>
    public uint UniformHash => _uniformHash != 0 ? _uniformHash : _uniformHash = Target.GetUniformHashCode();

    /// <inheritdoc/>
    public override bool AlwaysInterleave => (Request.Options & GrainRequestOptions.AlwaysInterleave) != 0;

    /// <inheritdoc/>
    public override bool IsReadOnly => (Request.Options & GrainRequestOptions.ReadOnly) != 0;

    /// <inheritdoc/>
    public override Guid ReentrancyId => Chain;

    /// <inheritdoc/>
    public override GrainRequest? Call => Request;

    /// <summary>True when nobody waits for the answer any more.</summary>
    public abstract bool IsDone { get; }

    /// <summary>True when there is no answer.</summary>
    public abstract bool IsOneWay { get; }

    /// <summary>How often it was passed on from one silo to another.</summary>
    public abstract int Hops { get; }

    /// <summary>The request context's values.</summary>
    public abstract Dictionary<string, object>? Values { get; }

    /// <summary>The call chain that may come back, or empty.</summary>
    public abstract Guid Chain { get; }

    /// <summary>Where it waits for an answer, when it was sent to another process.</summary>
    public SentCall Sent { get; set; }

    /// <inheritdoc/>
    public override void Reroute() => Runtime.Dispatch(this);

    /// <summary>Ends the caller's wait.</summary>
    public void TimeOut() => Fail(new TimeoutException(
        $"Response did not arrive on time for {Request.GetInterfaceName()}.{Request.GetMethodName()} on {Target}."));

    /// <summary>Runs it on an observer object. Called in the object's own order.</summary>
    public abstract Task RunOnAsync(object target);

    /// <summary>The answer of another process: what the callee's <see cref="WireAnswer"/> wrote.</summary>
    public abstract void Answer(Serialization.Reader payload);
}

/// <summary>The connection over which a call was sent and its number there.</summary>
internal readonly record struct SentCall(Networking.ClusterConnection? Connection, ulong Id);

/// <summary>A call with its result's type.</summary>
internal abstract class GrainCall<TResult>(CallRuntime runtime, GrainId target, GrainRequest<TResult> request, uint uniformHash = 0)
    : GrainCall(runtime, target, request, uniformHash)
{
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
            var value = Runtime.IncomingFilters.Length == 0 && instance is not IIncomingGrainCallFilter
                ? await request.InvokeAsync(instance)
                : await InvokeFilteredAsync(activation, instance);
            IsOver = true;
            Complete(value);
        }
        catch (Exception e)
        {
            IsOver = true;
            Fail(e);
            if (e is InconsistentStateException && Source != activation.GrainId)
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

    /// <summary>The grain has answered.</summary>
    protected abstract void Complete(TResult value);

    /// <summary>A call that is not answered has failed.</summary>
    protected void LogFailure(Exception exception)
    {
        if (exception is ClientNotAvailableException)
        {
            // An observer that has just left is the normal end of one, not a fault.
            Runtime.Log.OneWayTargetGone(Target, Request.GetMethodName());
        }
        else
        {
            Runtime.Log.OneWayFailed(exception, Target, Request.GetMethodName());
        }
    }

    private async Task<TResult> InvokeFilteredAsync(Activation activation, object instance)
    {
        IIncomingGrainCallFilter[] filters = instance is IIncomingGrainCallFilter own ? [.. Runtime.IncomingFilters, own] : Runtime.IncomingFilters;
        var context = new IncomingCallContext(this, activation, instance, filters);
        await context.Invoke();
        return context.Result is TResult result ? result : default!;
    }
}
