using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace Orleans.CodeGenerator;

/// <summary>What a type with [GenerateSerializer] must keep.</summary>
internal static class TypeRules
{
    /// <summary>True for types whose instances are passed without a copy.</summary>
    public static bool IsPassedAsIs(INamedTypeSymbol type) =>
        type.Has("Orleans.ImmutableAttribute") || type.SelfAndBases().Any(t => t.ToDisplayString() == "System.Exception");

    /// <summary>Fields of the object, and the fields behind its properties.</summary>
    public static IEnumerable<IFieldSymbol> Fields(INamedTypeSymbol type) =>
        type.GetMembers().OfType<IFieldSymbol>().Where(f => !f.IsStatic && !f.IsConst);

    public static bool Check(INamedTypeSymbol type, Action<Diagnostic> report)
    {
        var good = true;
        if (!InterfaceRules.IsReachable(type))
        {
            report(Diagnostic.Create(Diagnostics.NotAccessible, type.Locations.FirstOrDefault(), type.ToDisplayString()));
            return false;
        }

        var ids = new HashSet<uint>();
        foreach (var field in Fields(type))
        {
            var member = field.AssociatedSymbol ?? field;
            var id = member.MemberId() ?? field.MemberId();
            if (id is null)
            {
                // A field that the compiler made for a primary constructor's parameter belongs to the property that shows it.
                if (field.IsImplicitlyDeclared && field.AssociatedSymbol is null)
                {
                    continue;
                }

                if (!member.Has("System.NonSerializedAttribute"))
                {
                    report(Diagnostic.Create(Diagnostics.MissingId, member.Locations.FirstOrDefault(), member.ToDisplayString()));
                    good = false;
                }
            }
            else if (!ids.Add(id.Value))
            {
                report(Diagnostic.Create(Diagnostics.DuplicateId, member.Locations.FirstOrDefault(), member.ToDisplayString()));
                good = false;
            }
        }

        return good;
    }

    public static void CheckAliases(IEnumerable<INamedTypeSymbol> types, Action<Diagnostic> report)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var type in types)
        {
            if (type.FindAttribute("Orleans.AliasAttribute")?.ConstructorArguments.FirstOrDefault().Value is string alias && !seen.Add(alias))
            {
                report(Diagnostic.Create(Diagnostics.DuplicateAlias, type.Locations.FirstOrDefault(), type.ToDisplayString(), alias));
            }
        }
    }
}
