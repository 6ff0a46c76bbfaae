using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace Orleans.CodeGenerator;

/// <summary>What an assembly declares, checked.</summary>
internal sealed class AssemblyModel
{
    public List<INamedTypeSymbol> Interfaces { get; } = [];

    public List<INamedTypeSymbol> GrainClasses { get; } = [];

    public List<INamedTypeSymbol> Copied { get; } = [];

    /// <summary>Types that get a codec: those that are copied, and immutable ones.</summary>
    public List<INamedTypeSymbol> Serialized { get; } = [];

    /// <summary>Enums with a name of their own on the wire.</summary>
    public List<INamedTypeSymbol> Enums { get; } = [];

    public bool IsEmpty => Interfaces.Count + GrainClasses.Count + Serialized.Count + Enums.Count == 0;

    public static AssemblyModel Build(
        ImmutableArray<INamedTypeSymbol?> declared, KnownTypes known, Action<Diagnostic> report, CancellationToken cancellationToken)
    {
        var model = new AssemblyModel();
        var distinct = declared.Where(t => t is not null).Select(t => t!).Distinct<INamedTypeSymbol>(SymbolEqualityComparer.Default);
        foreach (var type in distinct.OrderBy(t => t.ToDisplayString(), StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (type.TypeKind == TypeKind.Interface)
            {
                if (IsCallable(type, known) && InterfaceRules.Check(type, known, report))
                {
                    model.Interfaces.Add(type);
                }
            }
            else if (type.TypeKind == TypeKind.Class && !type.IsAbstract && !type.IsGenericType
                && type.Implements(known.GrainBase) && type.Implements(known.Grain))
            {
                if (InterfaceRules.IsReachable(type))
                {
                    model.GrainClasses.Add(type);
                }
                else
                {
                    model.GrainClasses.AddRange(ReportUnreachable(type, report));
                }
            }

            if (type.TypeKind == TypeKind.Class)
            {
                CheckMethods(type, report);
            }

            if (!type.Has("Orleans.GenerateSerializerAttribute"))
            {
                continue;
            }

            if (type.TypeKind == TypeKind.Enum && InterfaceRules.IsReachable(type))
            {
                model.Enums.Add(type);
            }
            else if (type.TypeKind is TypeKind.Class or TypeKind.Struct && TypeRules.Check(type, report) && !TypeRules.IsException(type))
            {
                model.Serialized.Add(type);
                if (!TypeRules.IsPassedAsIs(type))
                {
                    model.Copied.Add(type);
                }
            }
        }

        TypeRules.CheckAliases(distinct, report);
        return model;
    }

    private static void CheckMethods(INamedTypeSymbol type, Action<Diagnostic> report)
    {
        foreach (var method in type.GetMembers().OfType<IMethodSymbol>().Where(m => m.Has("Orleans.Concurrency.AlwaysInterleaveAttribute")))
        {
            report(Diagnostic.Create(Diagnostics.InterleaveOnClass, method.Locations.FirstOrDefault(), method.ToDisplayString()));
        }
    }

    private static IEnumerable<INamedTypeSymbol> ReportUnreachable(INamedTypeSymbol type, Action<Diagnostic> report)
    {
        report(Diagnostic.Create(Diagnostics.NotAccessible, type.Locations.FirstOrDefault(), type.ToDisplayString()));
        return [];
    }

    private static bool IsCallable(INamedTypeSymbol type, KnownTypes known)
    {
        if (!type.Implements(known.Addressable) || type.IsGenericType)
        {
            return false;
        }

        // The markers themselves (IGrain, IGrainWithStringKey, IGrainObserver) have no methods and are nobody's reference.
        return !SymbolEqualityComparer.Default.Equals(type, known.Addressable)
            && (type.Implements(known.Grain) || type.Implements(known.Observer))
            && type.ContainingNamespace.ToDisplayString() is var space
            && !(space == "Orleans" && type.Name.StartsWith("IGrain", StringComparison.Ordinal));
    }
}
