namespace Orleans.Runtime;

/// <summary>Sends the calls that references make: copies arguments, runs outgoing filters, sets the time-out.</summary>
internal sealed class GrainCaller(SiloRuntime silo) : IGrainCaller
{
    public GrainReference CreateReference(Type grainInterface, GrainId grainId) =>
        GrainManifest.Instance.CreateReference(this, grainInterface, grainId);

    public Task<TResult> CallAsync<TResult>(GrainReference target, GrainRequest<TResult> request) =>
        silo.OutgoingFilters.Length == 0 ? SendAsync(target, request) : CallFilteredAsync(target, request);

    public void Send(GrainReference target, GrainRequest request)
    {
        request.CopyArguments();
        silo.Dispatch(MakeOneWay(target, request));
    }

    private GrainCall MakeOneWay(GrainReference target, GrainRequest request) => request is GrainRequest<VoidResult> plain
        ? new GrainCall<VoidResult>(silo, target, plain, isOneWay: true)
        : new GrainCall<VoidResult>(silo, target, new DiscardedResult(request), isOneWay: true);

    private Task<TResult> SendAsync<TResult>(GrainReference target, GrainRequest<TResult> request)
    {
        request.CopyArguments();
        var call = new GrainCall<TResult>(silo, target, request, isOneWay: false);
        silo.Pending.Add(call, request.GetDefaultResponseTimeout() ?? silo.ResponseTimeout);
        silo.Dispatch(call);
        return call.Result;
    }

    private async Task<TResult> CallFilteredAsync<TResult>(GrainReference target, GrainRequest<TResult> request)
    {
        var context = new OutgoingCallContext(target, request, silo.OutgoingFilters, async () => await SendAsync(target, request));
        await context.Invoke();
        return context.Result is TResult result ? result : default!;
    }

    /// <summary>A one-way call of a method that has a result: nobody sees it.</summary>
    private sealed class DiscardedResult(GrainRequest inner) : VoidGrainRequest
    {
        public override GrainRequestOptions Options => inner.Options;

        public override System.Reflection.MethodInfo GetMethod() => inner.GetMethod();

        public override Type GetInterfaceType() => inner.GetInterfaceType();

        public override async ValueTask InvokeVoidAsync(object target) => await inner.InvokeBoxedAsync(target);
    }
}
