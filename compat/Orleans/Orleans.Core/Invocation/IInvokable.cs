using System.Reflection;

namespace Orleans.Serialization.Invocation;

/// <summary>One call of a method, as filters and MayInterleave predicates see it.</summary>
public interface IInvokable
{
    /// <summary>The interface's name.</summary>
    string GetInterfaceName();

    /// <summary>The method's name.</summary>
    string GetMethodName();

    /// <summary>The interface.</summary>
    Type GetInterfaceType();

    /// <summary>The interface's method.</summary>
    MethodInfo GetMethod();

    /// <summary>How many arguments there are.</summary>
    int GetArgumentCount();

    /// <summary>An argument.</summary>
    object? GetArgument(int index);

    /// <summary>Replaces an argument.</summary>
    void SetArgument(int index, object value);

    /// <summary>The time that callers wait, or null for the default.</summary>
    TimeSpan? GetDefaultResponseTimeout();
}
