using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace Orleans.CodeGenerator;

/// <summary>What may stand in a grain or observer interface.</summary>
internal static class InterfaceRules
{
    /// <summary>The methods that a reference implements, inherited ones too.</summary>
    public static IEnumerable<IMethodSymbol> Methods(INamedTypeSymbol type) =>
        new[] { type }.Concat(type.AllInterfaces)
            .SelectMany(i => i.GetMembers().OfType<IMethodSymbol>())
            .Where(m => m.MethodKind == MethodKind.Ordinary && !m.IsStatic && m.IsAbstract);

    /// <summary>Whether code of the same assembly can name the type.</summary>
    public static bool IsReachable(INamedTypeSymbol type)
    {
        for (var t = type; t is not null; t = t.ContainingType)
        {
            if (t.DeclaredAccessibility is Accessibility.Private or Accessibility.Protected or Accessibility.ProtectedAndInternal || t.IsFileLocal)
            {
                return false;
            }
        }

        return true;
    }

    public static bool Check(INamedTypeSymbol type, KnownTypes known, Action<Diagnostic> report)
    {
        var good = true;
        void Fail(DiagnosticDescriptor rule, ISymbol symbol)
        {
            good = false;
            report(Diagnostic.Create(rule, symbol.Locations.FirstOrDefault(), symbol.ToDisplayString()));
        }

        if (!IsReachable(type))
        {
            Fail(Diagnostics.NotAccessible, type);
        }

        foreach (var member in type.GetMembers().Where(m => m is IPropertySymbol or IEventSymbol && !m.IsStatic))
        {
            Fail(Diagnostics.Property, member);
        }

        foreach (var method in Methods(type))
        {
            if (!IsAllowedReturn(method, known))
            {
                Fail(Diagnostics.ReturnType, method);
            }

            if (method.Parameters.Any(p => p.RefKind != RefKind.None))
            {
                Fail(Diagnostics.RefParameter, method);
            }

            if (method.IsGenericMethod)
            {
                Fail(Diagnostics.GenericMethod, method);
            }

            if (method.Parameters.Count(p => SymbolEqualityComparer.Default.Equals(p.Type, known.CancellationToken)) > 1)
            {
                Fail(Diagnostics.Tokens, method);
            }
        }

        return good;
    }

    private static bool IsAllowedReturn(IMethodSymbol method, KnownTypes known)
    {
        if (method.ReturnsVoid)
        {
            return method.ContainingType.Implements(known.Observer) || method.Has("Orleans.Concurrency.OneWayAttribute");
        }

        var returned = method.ReturnType.OriginalDefinition;
        return new[] { known.Task, known.TaskOfT, known.ValueTask, known.ValueTaskOfT }
            .Any(t => SymbolEqualityComparer.Default.Equals(t, returned));
    }
}
