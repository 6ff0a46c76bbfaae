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
        type.Has("Orleans.ImmutableAttribute") || IsException(type);

    public static bool IsException(INamedTypeSymbol type) => type.SelfAndBases().Any(t => t.ToDisplayString() == "System.Exception");

    /// <summary>Fields of the object, and the fields behind its properties.</summary>
    public static IEnumerable<IFieldSymbol> Fields(INamedTypeSymbol type) =>
        type.GetMembers().OfType<IFieldSymbol>().Where(f => !f.IsStatic && !f.IsConst);

    /// <summary>
    /// The number of a field on the wire: its [Id], or for a record's parameter without one its position, in a range of
    /// its own. Null when the field is not serialized.
    /// </summary>
    public static uint? WireId(INamedTypeSymbol type, IFieldSymbol field)
    {
        const uint FirstParameter = 0x1000_0000;
        var member = field.AssociatedSymbol ?? field;
        if ((member.MemberId() ?? field.MemberId()) is { } id)
        {
            return id;
        }

        if (!type.IsRecord || member.Has("System.NonSerializedAttribute")
            || type.FindAttribute("Orleans.GenerateSerializerAttribute") is { } attribute
            && attribute.NamedArguments.Any(a => a.Key == "IncludePrimaryConstructorParameters" && a.Value.Value is false))
        {
            return null;
        }

        // The primary constructor is the one whose parameters share their declaration with the type's own.
        var parameters = type.InstanceConstructors
            .FirstOrDefault(c => c.DeclaringSyntaxReferences.Any(r => r.GetSyntax() is Microsoft.CodeAnalysis.CSharp.Syntax.RecordDeclarationSyntax))
            ?.Parameters;
        var parameter = parameters?.FirstOrDefault(p => p.Name == member.Name);
        return parameter is null ? null : FirstParameter + (uint)parameter.Ordinal;
    }

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
            var id = WireId(type, field);
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
