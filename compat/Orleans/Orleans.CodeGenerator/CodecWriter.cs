using System.Collections.Generic;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;

namespace Orleans.CodeGenerator;

/// <summary>Writes the codec of a type: its own fields by id, after those of its base, which the base's codec writes.</summary>
internal static class CodecWriter
{
    private const string Space = "global::Orleans.Serialization";

    public static string CodecName(INamedTypeSymbol type) => $"Codec_{OrleansGenerator.Identifier(type.OriginalDefinition.ToDisplayString())}";

    /// <summary>The type's name on the wire.</summary>
    public static string WireName(INamedTypeSymbol type) =>
        type.FindAttribute("Orleans.AliasAttribute")?.ConstructorArguments.FirstOrDefault().Value as string
        ?? (type.ContainingNamespace.IsGlobalNamespace ? type.MetadataName : $"{type.ContainingNamespace.ToDisplayString()}.{type.MetadataName}");

    public static void Write(StringBuilder text, INamedTypeSymbol type)
    {
        var full = type.FullName();
        var fields = TypeRules.Fields(type)
            .Select(f => (Field: f, Id: TypeRules.WireId(type, f)))
            .Where(f => f.Id is not null)
            .OrderBy(f => f.Id)
            .ToArray();
        var hasBase = type.BaseType is { } parent && parent.Has("Orleans.GenerateSerializerAttribute");
        var reference = type.IsValueType ? "ref " : "";
        text.AppendLine($"  internal sealed class {CodecName(type)}{type.TypeParameterList()} : {Space}.ObjectCodec<{full}>{CopierWriter.Constraints(type)}");
        text.AppendLine("  {");
        text.AppendLine($"    public override void WriteFields({Space}.Writer writer, ref {full} value)");
        text.AppendLine("    {");
        if (hasBase)
        {
            text.AppendLine($"      {type.BaseType!.FullName()} parent = value;");
            text.AppendLine($"      {Space}.Codecs.Fields<{type.BaseType!.FullName()}>().WriteFields(writer, ref parent);");
        }

        for (var i = 0; i < fields.Length; i++)
        {
            text.AppendLine($"      {Codec(fields[i].Field)}.Write(writer, {fields[i].Id}u, F{i}({reference}value));");
        }

        text.AppendLine("      writer.WriteEnd();");
        text.AppendLine("    }");
        text.AppendLine($"    public override void ReadFields({Space}.Reader reader, ref {full} value)");
        text.AppendLine("    {");
        if (hasBase)
        {
            text.AppendLine($"      {type.BaseType!.FullName()} parent = value;");
            text.AppendLine($"      {Space}.Codecs.Fields<{type.BaseType!.FullName()}>().ReadFields(reader, ref parent);");
        }

        text.AppendLine("      while (reader.TryReadHeader(out var id, out var type))");
        text.AppendLine("      {");
        text.AppendLine("        switch (id)");
        text.AppendLine("        {");
        for (var i = 0; i < fields.Length; i++)
        {
            text.AppendLine($"          case {fields[i].Id}u: F{i}({reference}value) = {Codec(fields[i].Field)}.Read(reader, type); break;");
        }

        text.AppendLine("          default: reader.Skip(type); break;");
        text.AppendLine("        }");
        text.AppendLine("      }");
        text.AppendLine("    }");
        for (var i = 0; i < fields.Length; i++)
        {
            text.AppendLine(CopierWriter.Accessor(i, fields[i].Field, type));
        }

        text.AppendLine("  }");
    }

    private static string Codec(IFieldSymbol field) => $"{Space}.Codecs.Of<{field.Type.FullName()}>()";
}
