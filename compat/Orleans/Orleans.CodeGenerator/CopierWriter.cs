using System.Collections.Generic;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;

namespace Orleans.CodeGenerator;

/// <summary>
/// Writes the copier of a type. It makes an object without running a constructor and copies every field, private ones
/// and those behind properties through UnsafeAccessor, so that nothing depends on how the type is constructed.
/// </summary>
internal static class CopierWriter
{
    public static string CopierName(INamedTypeSymbol type) => $"Copier_{OrleansGenerator.Identifier(type.OriginalDefinition.ToDisplayString())}";

    public static void Write(StringBuilder text, INamedTypeSymbol type)
    {
        var full = type.FullName();
        var constraints = Constraints(type);
        text.AppendLine($"  internal sealed class {CopierName(type)}{type.TypeParameterList()} : global::Orleans.Serialization.DeepCopier<{full}>{constraints}");
        text.AppendLine("  {");
        text.AppendLine($"    public override {full} Copy({full} original, global::Orleans.Serialization.CopyContext context)");
        text.AppendLine("    {");
        if (type.IsAbstract)
        {
            text.AppendLine($"      throw new global::System.InvalidOperationException(\"An abstract type has no instances of its own.\");");
            text.AppendLine("    }");
            text.AppendLine("  }");
            return;
        }

        if (type.IsValueType)
        {
            text.AppendLine($"      {full} copy = original;");
        }
        else
        {
            text.AppendLine("      if (context.TryGet(original, out var copy)) { return copy; }");
            text.AppendLine($"      copy = ({full})global::System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(typeof({full}));");
            text.AppendLine("      context.Add(original, copy);");
        }

        var accessors = new List<string>();
        foreach (var level in type.SelfAndBases())
        {
            foreach (var field in TypeRules.Fields(level))
            {
                WriteField(text, accessors, level, field);
            }
        }

        text.AppendLine("      return copy;");
        text.AppendLine("    }");
        foreach (var accessor in accessors)
        {
            text.AppendLine(accessor);
        }

        text.AppendLine("  }");
    }

    private static void WriteField(StringBuilder text, List<string> accessors, INamedTypeSymbol level, IFieldSymbol field)
    {
        var index = accessors.Count;
        var reference = level.IsValueType ? "ref " : "";
        accessors.Add(Accessor(index, field, level));
        var skip = (field.AssociatedSymbol ?? field).Has("System.NonSerializedAttribute");
        if (!skip)
        {
            text.AppendLine($"      F{index}({reference}copy) = global::Orleans.Serialization.DeepCopy.Copy(F{index}({reference}original), context);");
        }
        else if (level.IsValueType)
        {
            text.AppendLine($"      F{index}(ref copy) = default;");
        }
    }

    /// <summary>A method <c>F{index}</c> that answers a reference to the field, whatever its accessibility.</summary>
    internal static string Accessor(int index, IFieldSymbol field, INamedTypeSymbol level) =>
        $"    [global::System.Runtime.CompilerServices.UnsafeAccessor(global::System.Runtime.CompilerServices.UnsafeAccessorKind.Field, Name = \"{field.Name}\")]\n"
        + $"    private static extern ref {field.Type.FullName()} F{index}({(level.IsValueType ? "ref " : "")}{level.FullName()} target);";

    internal static string Constraints(INamedTypeSymbol type) => string.Concat(type.TypeParameters.Select(p =>
    {
        var parts = new List<string>();
        if (p.HasUnmanagedTypeConstraint)
        {
            parts.Add("unmanaged");
        }
        else if (p.HasValueTypeConstraint)
        {
            parts.Add("struct");
        }
        else if (p.HasReferenceTypeConstraint)
        {
            parts.Add("class");
        }
        else if (p.HasNotNullConstraint)
        {
            parts.Add("notnull");
        }

        parts.AddRange(p.ConstraintTypes.Select(t => t.FullName()));
        if (p.HasConstructorConstraint)
        {
            parts.Add("new()");
        }

        return parts.Count == 0 ? "" : $" where {p.Name} : {string.Join(", ", parts)}";
    }));
}
