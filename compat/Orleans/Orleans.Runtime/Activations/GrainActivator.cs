using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Runtime;

/// <summary>Makes grain objects: constructor parameters are services of the activation's scope, or its stored states.</summary>
internal sealed class GrainActivator(PersistentStateFactory states)
{
    private readonly ConcurrentDictionary<Type, Func<Activation, object>> _factories = new();

    public object Create(Activation activation) =>
        _factories.GetOrAdd(activation.Info.Class, static (type, self) => self.MakeFactory(type), this)(activation);

    private Func<Activation, object> MakeFactory(Type grainClass)
    {
        var constructors = grainClass.GetConstructors();
        var constructor = constructors.FirstOrDefault(c => c.IsDefined(typeof(ActivatorUtilitiesConstructorAttribute)))
            ?? constructors.MaxBy(c => c.GetParameters().Length)
            ?? throw new InvalidOperationException($"{grainClass} has no public constructor.");
        var invoker = ConstructorInvoker.Create(constructor);
        Func<Activation, object?>[] arguments = [.. constructor.GetParameters().Select(MakeArgument)];
        return activation =>
        {
            var values = new object?[arguments.Length];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = arguments[i](activation);
            }

            return invoker.Invoke(values.AsSpan());
        };
    }

    private Func<Activation, object?> MakeArgument(ParameterInfo parameter)
    {
        var type = parameter.ParameterType;
        if (parameter.GetCustomAttribute<PersistentStateAttribute>() is { } state)
        {
            return states.MakeFactory(type, state);
        }

        if (type == typeof(IGrainContext))
        {
            return static activation => activation;
        }

        if (parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is { } keyed)
        {
            return activation => activation.ActivationServices.GetRequiredKeyedService(type, keyed.Key);
        }

        return parameter.HasDefaultValue
            ? activation => activation.ActivationServices.GetService(type) ?? parameter.DefaultValue
            : activation => activation.ActivationServices.GetRequiredService(type);
    }
}
