using System.Reflection;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>Walks the filters of a call on the called side, then calls the grain.</summary>
internal sealed class IncomingCallContext(GrainCall call, Activation activation, object instance, IIncomingGrainCallFilter[] filters)
    : IIncomingGrainCallContext
{
    private int _next;

    public IInvokable Request => call.Request;

    public object Grain => instance;

    public MethodInfo InterfaceMethod => call.Request.GetMethod();

    public MethodInfo ImplementationMethod
    {
        get
        {
            var map = instance.GetType().GetInterfaceMap(call.Request.GetInterfaceType());
            return map.TargetMethods[Array.IndexOf(map.InterfaceMethods, InterfaceMethod)];
        }
    }

    public GrainId? SourceId => call.Source;

    public GrainId TargetId => activation.GrainId;

    public IGrainContext TargetContext => activation;

    public string InterfaceName => call.Request.GetInterfaceName();

    public string MethodName => call.Request.GetMethodName();

    public object? Result { get; set; }

    public async Task Invoke()
    {
        if (_next < filters.Length)
        {
            await filters[_next++].Invoke(this);
        }
        else
        {
            Result = await call.Request.InvokeBoxedAsync(instance);
        }
    }
}

/// <summary>Walks the filters of a call on the caller's side, then sends it.</summary>
internal sealed class OutgoingCallContext(GrainReference target, GrainRequest request, IOutgoingGrainCallFilter[] filters, Func<Task<object?>> send)
    : IOutgoingGrainCallContext
{
    private int _next;

    public IInvokable Request => request;

    public object Grain => target;

    public MethodInfo InterfaceMethod => request.GetMethod();

    public IGrainContext? SourceContext { get; } = RuntimeContext.Current;

    public GrainId? SourceId => SourceContext?.GrainId;

    public GrainId TargetId => target.GrainId;

    public string InterfaceName => request.GetInterfaceName();

    public string MethodName => request.GetMethodName();

    public object? Result { get; set; }

    public async Task Invoke()
    {
        if (_next < filters.Length)
        {
            await filters[_next++].Invoke(this);
        }
        else
        {
            Result = await send();
        }
    }
}
