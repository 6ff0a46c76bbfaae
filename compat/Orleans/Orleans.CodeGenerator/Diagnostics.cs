using Microsoft.CodeAnalysis;

namespace Orleans.CodeGenerator;

/// <summary>The rules that grain code must keep; the official generator and analyzers enforce the same.</summary>
#pragma warning disable RS2008 // This generator is part of the repository and has no releases of its own.
internal static class Diagnostics
{
    public static readonly DiagnosticDescriptor ReturnType = Rule(
        "VCO001", "A grain method returns a type that is no task", "{0} must return Task, Task<T>, ValueTask, ValueTask<T>, or void where it is one-way");

    public static readonly DiagnosticDescriptor RefParameter = Rule(
        "VCO002", "A grain method has a ref or out parameter", "{0} must not have ref, out or in parameters");

    public static readonly DiagnosticDescriptor Property = Rule(
        "VCO003", "A grain interface has a property or an event", "{0} must not be a member of a grain interface: only methods can be called");

    public static readonly DiagnosticDescriptor MissingId = Rule(
        "VCO004", "A serialized member has no id", "{0} needs an [Id] or [NonSerialized]");

    public static readonly DiagnosticDescriptor DuplicateId = Rule(
        "VCO005", "Two members have the same id", "{0} repeats the [Id] of another member of its type");

    public static readonly DiagnosticDescriptor DuplicateAlias = Rule(
        "VCO006", "Two types have the same alias", "{0} repeats the [Alias] \"{1}\"");

    public static readonly DiagnosticDescriptor NotAccessible = Rule(
        "VCO007", "Generated code cannot see a type", "{0} must be public or internal, and not nested in a private type");

    public static readonly DiagnosticDescriptor Tokens = Rule(
        "VCO008", "A grain method has several cancellation tokens", "{0} must have one CancellationToken at most");

    public static readonly DiagnosticDescriptor GenericMethod = Rule(
        "VCO009", "A grain method is generic", "{0} is generic, which this engine does not support");

    public static readonly DiagnosticDescriptor InterleaveOnClass = Rule(
        "VCO010", "AlwaysInterleave stands on a class's method", "{0}: [AlwaysInterleave] belongs to the interface's method");

    private static DiagnosticDescriptor Rule(string id, string title, string message) =>
        new(id, title, message, "Orleans", DiagnosticSeverity.Error, isEnabledByDefault: true);
}
