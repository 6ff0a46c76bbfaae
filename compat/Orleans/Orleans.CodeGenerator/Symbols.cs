using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace Orleans.CodeGenerator;

/// <summary>What the generator asks of symbols.</summary>
internal static class Symbols
{
    private static readonly SymbolDisplayFormat Full = SymbolDisplayFormat.FullyQualifiedFormat
        .WithMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers | SymbolDisplayMiscellaneousOptions.UseSpecialTypes);

    public static string FullName(this ITypeSymbol type) => type.ToDisplayString(Full);

    /// <summary>For typeof: <c>global::A.B&lt;,&gt;</c> of a generic type.</summary>
    public static string OpenName(this INamedTypeSymbol type) =>
        type.IsGenericType ? type.ConstructUnboundGenericType().ToDisplayString(Full) : type.FullName();

    public static string OpenArity(this INamedTypeSymbol type) => type.Arity == 0 ? "" : $"<{new string(',', type.Arity - 1)}>";

    public static string TypeParameterList(this INamedTypeSymbol type) =>
        type.Arity == 0 ? "" : $"<{string.Join(", ", type.TypeParameters.Select(p => p.Name))}>";

    public static bool Implements(this ITypeSymbol type, INamedTypeSymbol wanted) =>
        SymbolEqualityComparer.Default.Equals(type, wanted) || type.AllInterfaces.Any(i => SymbolEqualityComparer.Default.Equals(i, wanted));

    public static AttributeData? FindAttribute(this ISymbol symbol, string fullName) =>
        symbol.GetAttributes().FirstOrDefault(a => a.AttributeClass?.ToDisplayString() == fullName);

    public static bool Has(this ISymbol symbol, string fullName) => symbol.FindAttribute(fullName) is not null;

    /// <summary>The number of [Id(n)], or null.</summary>
    public static uint? MemberId(this ISymbol member) =>
        member.FindAttribute("Orleans.IdAttribute")?.ConstructorArguments.FirstOrDefault().Value is uint id ? id : null;

    public static IEnumerable<INamedTypeSymbol> SelfAndBases(this INamedTypeSymbol type)
    {
        for (var t = type; t is not null && t.SpecialType is not (SpecialType.System_Object or SpecialType.System_ValueType); t = t.BaseType)
        {
            yield return t;
        }
    }
}
