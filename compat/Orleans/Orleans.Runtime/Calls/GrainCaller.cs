namespace Orleans.Runtime;

/// <summary>Sends the calls that references make: copies arguments, runs outgoing filters, sets the time-out.</summary>
internal sealed class GrainCaller(CallRuntime runtime) : IGrainCaller
{
    public GrainReference CreateReference(Type grainInterface, GrainId grainId) =>
        GrainManifest.Instance.CreateReference(this, grainInterface, grainId);

    public Task<TResult> CallAsync<TResult>(GrainReference target, GrainRequest<TResult> request) =>
        runtime.OutgoingFilters.Length == 0 ? SendAsync(target, request) : CallFilteredAsync(target, request);

    public void Send(GrainReference target, GrainRequest request)
    {
        request.CopyArguments();
        runtime.Dispatch(MakeOneWay(target, request));
    }

    private OwnCall<VoidResult> MakeOneWay(GrainReference target, GrainRequest request) => new(
        runtime, target.GrainId, request as GrainRequest<VoidResult> ?? new DiscardedResult(request), isOneWay: true, target.UniformHash);

    private Task<TResult> SendAsync<TResult>(GrainReference target, GrainRequest<TResult> request)
    {
        request.CopyArguments();
        var call = new OwnCall<TResult>(runtime, target.GrainId, request, isOneWay: false, target.UniformHash);
        runtime.Pending.Add(call, request.GetDefaultResponseTimeout() ?? runtime.ResponseTimeout);
        runtime.Dispatch(call);
        return request.TakesCancellationToken ? CancelWithAsync(call, request.GetCancellationToken()) : call.Result;
    }

    /// <summary>A call in this process has the token itself; one that was sent is told, and its caller waits no more.</summary>
    private static async Task<TResult> CancelWithAsync<TResult>(OwnCall<TResult> call, CancellationToken token)
    {
        await using var registration = token.UnsafeRegister(
            static state =>
            {
                var call = (OwnCall<TResult>)state!;
                if (call.Sent is { Connection: { } connection, Id: var id })
                {
                    call.Fail(new OperationCanceledException("The caller has cancelled the call."));
                    connection.SendCancel(id);
                }
            },
            call);
        return await call.Result;
    }

    private async Task<TResult> CallFilteredAsync<TResult>(GrainReference target, GrainRequest<TResult> request)
    {
        var context = new OutgoingCallContext(target, request, runtime.OutgoingFilters, async () => await SendAsync(target, request));
        await context.Invoke();
        return context.Result is TResult result ? result : default!;
    }

    /// <summary>A one-way call of a method that has a result: nobody sees it.</summary>
    private sealed class DiscardedResult(GrainRequest inner) : VoidGrainRequest
    {
        public override GrainRequestOptions Options => inner.Options;

        public override System.Reflection.MethodInfo GetMethod() => inner.GetMethod();

        public override Type GetInterfaceType() => inner.GetInterfaceType();

        public override string WireName => inner.WireName;

        public override void WriteArguments(Serialization.Writer writer) => inner.WriteArguments(writer);

        public override async ValueTask InvokeVoidAsync(object target) => await inner.InvokeBoxedAsync(target);
    }
}
