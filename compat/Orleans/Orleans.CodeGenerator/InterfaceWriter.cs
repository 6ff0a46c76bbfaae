using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;

namespace Orleans.CodeGenerator;

/// <summary>Writes the reference class of an interface and the request class of each method.</summary>
internal static class InterfaceWriter
{
    public static string ReferenceName(INamedTypeSymbol type) => $"Reference_{Name(type)}";

    public static void Write(StringBuilder text, INamedTypeSymbol type, KnownTypes known)
    {
        var full = type.FullName();
        var methods = InterfaceRules.Methods(type).ToArray();
        text.AppendLine($"  internal sealed class {ReferenceName(type)} : global::Orleans.Runtime.GrainReference, {full}");
        text.AppendLine("  {");
        text.AppendLine($"    public {ReferenceName(type)}(global::Orleans.Runtime.IGrainCaller caller, global::Orleans.Runtime.GrainId id) : base(caller, id) {{ }}");
        text.AppendLine($"    public override global::System.Type GrainInterface => typeof({full});");
        for (var i = 0; i < methods.Length; i++)
        {
            WriteCall(text, methods[i], RequestName(type, methods[i], i), known);
        }

        text.AppendLine("  }");
        for (var i = 0; i < methods.Length; i++)
        {
            WriteRequest(text, methods[i], RequestName(type, methods[i], i), WireName(type, methods, methods[i]), known);
        }
    }

    /// <summary>Registers how a request is made of its name on the wire.</summary>
    public static void WriteRegistration(StringBuilder text, INamedTypeSymbol type)
    {
        var methods = InterfaceRules.Methods(type).ToArray();
        for (var i = 0; i < methods.Length; i++)
        {
            text.AppendLine($"      manifest.AddMethod(\"{WireName(type, methods, methods[i])}\", static () => new {RequestName(type, methods[i], i)}());");
        }
    }

    /// <summary>The interface's name and the method's: its alias, or its name, with the parameters where it is overloaded.</summary>
    private static string WireName(INamedTypeSymbol type, IMethodSymbol[] all, IMethodSymbol method)
    {
        var name = method.FindAttribute("Orleans.AliasAttribute")?.ConstructorArguments.FirstOrDefault().Value as string;
        if (name is null)
        {
            var isOverloaded = all.Count(m => m.Name == method.Name) > 1;
            name = isOverloaded ? $"{method.Name}({string.Join(",", method.Parameters.Select(p => p.Type.ToDisplayString()))})" : method.Name;
        }

        return $"{CodecWriter.WireName(type)}/{name}";
    }

    private static string Name(INamedTypeSymbol type) => OrleansGenerator.Identifier(type.ToDisplayString());

    private static string RequestName(INamedTypeSymbol type, IMethodSymbol method, int index) => $"Request_{Name(type)}_{method.Name}_{index}";

    private static bool IsOneWay(IMethodSymbol method) => method.ReturnsVoid || method.Has("Orleans.Concurrency.OneWayAttribute");

    private static ITypeSymbol? Result(IMethodSymbol method) =>
        method.ReturnType is INamedTypeSymbol { IsGenericType: true } generic ? generic.TypeArguments[0] : null;

    private static bool IsValueTask(IMethodSymbol method, KnownTypes known) =>
        SymbolEqualityComparer.Default.Equals(method.ReturnType.OriginalDefinition, known.ValueTask)
        || SymbolEqualityComparer.Default.Equals(method.ReturnType.OriginalDefinition, known.ValueTaskOfT);

    private static void WriteCall(StringBuilder text, IMethodSymbol method, string request, KnownTypes known)
    {
        var parameters = string.Join(", ", method.Parameters.Select((p, i) => $"{p.Type.FullName()} a{i}"));
        var arguments = string.Join(", ", method.Parameters.Select((_, i) => $"a{i}"));
        text.AppendLine($"    {method.ReturnType.FullName()} {method.ContainingType.FullName()}.{method.Name}({parameters})");
        text.AppendLine("    {");
        var made = $"new {request}({arguments})";
        if (IsOneWay(method))
        {
            text.AppendLine($"      Send({made});");
            if (!method.ReturnsVoid)
            {
                text.AppendLine(Result(method) is not null || IsValueTask(method, known)
                    ? "      return default;"
                    : "      return global::System.Threading.Tasks.Task.CompletedTask;");
            }
        }
        else
        {
            var call = Result(method) is null ? $"CallVoidAsync({made})" : $"CallAsync({made})";
            text.AppendLine(IsValueTask(method, known) ? $"      return new({call});" : $"      return {call};");
        }

        text.AppendLine("    }");
    }

    private static void WriteRequest(StringBuilder text, IMethodSymbol method, string name, string wireName, KnownTypes known)
    {
        var result = Result(method);
        var baseName = result is null ? "VoidGrainRequest" : $"GrainRequest<{result.FullName()}>";
        var owner = method.ContainingType.FullName();
        var count = method.Parameters.Length;
        text.AppendLine($"  internal sealed class {name} : global::Orleans.Runtime.{baseName}");
        text.AppendLine("  {");
        var types = string.Concat(method.Parameters.Select(p => $", typeof({p.Type.WithNullableAnnotation(NullableAnnotation.None).FullName()})"));
        text.AppendLine($"    private static readonly global::System.Reflection.MethodInfo s_method = FindMethod(typeof({owner}), \"{method.Name}\"{types});");
        for (var i = 0; i < count; i++)
        {
            text.AppendLine($"    private {method.Parameters[i].Type.FullName()} _a{i};");
        }

        if (count > 0)
        {
            text.AppendLine($"    public {name}() {{ }}");
        }

        text.AppendLine($"    public override string WireName => \"{wireName}\";");
        text.AppendLine($"    public {name}({string.Join(", ", method.Parameters.Select((p, i) => $"{p.Type.FullName()} a{i}"))})");
        text.AppendLine("    {");
        for (var i = 0; i < count; i++)
        {
            text.AppendLine($"      _a{i} = a{i};");
        }

        text.AppendLine("    }");
        text.AppendLine("    public override global::System.Reflection.MethodInfo GetMethod() => s_method;");
        text.AppendLine($"    public override global::System.Type GetInterfaceType() => typeof({owner});");
        WriteOptions(text, method);
        if (count > 0)
        {
            WriteArguments(text, method, known);
        }

        var call = $"(({owner})target).{method.Name}({string.Join(", ", Enumerable.Range(0, count).Select(i => $"_a{i}"))})";
        if (result is not null)
        {
            text.AppendLine($"    public override global::System.Threading.Tasks.ValueTask<{result.FullName()}> InvokeAsync(object target) => {(IsValueTask(method, known) ? call : $"new({call})")};");
        }
        else if (method.ReturnsVoid)
        {
            text.AppendLine($"    public override global::System.Threading.Tasks.ValueTask InvokeVoidAsync(object target) {{ {call}; return default; }}");
        }
        else
        {
            text.AppendLine($"    public override global::System.Threading.Tasks.ValueTask InvokeVoidAsync(object target) => {(IsValueTask(method, known) ? call : $"new({call})")};");
        }

        text.AppendLine("  }");
    }

    private static void WriteOptions(StringBuilder text, IMethodSymbol method)
    {
        var options = new[]
        {
            IsOneWay(method) ? "OneWay" : null,
            method.Has("Orleans.Concurrency.ReadOnlyAttribute") ? "ReadOnly" : null,
            method.Has("Orleans.Concurrency.AlwaysInterleaveAttribute") ? "AlwaysInterleave" : null,
        }.Where(o => o is not null).Select(o => $"global::Orleans.Runtime.GrainRequestOptions.{o}").ToArray();
        if (options.Length > 0)
        {
            text.AppendLine($"    public override global::Orleans.Runtime.GrainRequestOptions Options => {string.Join(" | ", options)};");
        }

        var timeout = method.FindAttribute("Orleans.ResponseTimeoutAttribute") ?? method.ContainingType.FindAttribute("Orleans.ResponseTimeoutAttribute");
        if (timeout?.ConstructorArguments.FirstOrDefault().Value is string value)
        {
            text.AppendLine($"    private static readonly global::System.TimeSpan s_timeout = global::System.TimeSpan.Parse(\"{value}\", global::System.Globalization.CultureInfo.InvariantCulture);");
            text.AppendLine("    public override global::System.TimeSpan? GetDefaultResponseTimeout() => s_timeout;");
        }
    }

    private static void WriteArguments(StringBuilder text, IMethodSymbol method, KnownTypes known)
    {
        var parameters = method.Parameters;
        text.AppendLine($"    public override int GetArgumentCount() => {parameters.Length};");
        text.AppendLine("    public override object GetArgument(int index) => index switch");
        text.AppendLine("    {");
        for (var i = 0; i < parameters.Length; i++)
        {
            text.AppendLine($"      {i} => _a{i},");
        }

        text.AppendLine("      _ => base.GetArgument(index),");
        text.AppendLine("    };");
        text.AppendLine("    public override void SetArgument(int index, object value)");
        text.AppendLine("    {");
        text.AppendLine("      switch (index)");
        text.AppendLine("      {");
        for (var i = 0; i < parameters.Length; i++)
        {
            text.AppendLine($"        case {i}: _a{i} = ({parameters[i].Type.FullName()})value; return;");
        }

        text.AppendLine("        default: base.SetArgument(index, value); return;");
        text.AppendLine("      }");
        text.AppendLine("    }");
        text.AppendLine("    public override void CopyArguments()");
        text.AppendLine("    {");
        for (var i = 0; i < parameters.Length; i++)
        {
            if (!parameters[i].Has("Orleans.ImmutableAttribute"))
            {
                text.AppendLine($"      _a{i} = global::Orleans.Serialization.DeepCopy.Of(_a{i});");
            }
        }

        text.AppendLine("    }");
        for (var i = 0; i < parameters.Length; i++)
        {
            if (SymbolEqualityComparer.Default.Equals(parameters[i].Type, known.CancellationToken))
            {
                text.AppendLine($"    public override global::System.Threading.CancellationToken GetCancellationToken() => _a{i};");
                text.AppendLine("    public override bool TakesCancellationToken => true;");
                text.AppendLine($"    public override void SetCancellationToken(global::System.Threading.CancellationToken token) => _a{i} = token;");
            }
        }

        WriteWireForm(text, parameters, known);
    }

    /// <summary>Arguments on the wire: a field each, with its position as the id. A token is no field: cancelling is a message of its own.</summary>
    private static void WriteWireForm(StringBuilder text, System.Collections.Immutable.ImmutableArray<IParameterSymbol> parameters, KnownTypes known)
    {
        var fields = parameters.Select((p, i) => (Type: p.Type.FullName(), Index: i, IsToken: SymbolEqualityComparer.Default.Equals(p.Type, known.CancellationToken)))
            .Where(f => !f.IsToken)
            .ToArray();
        text.AppendLine("    public override void WriteArguments(global::Orleans.Serialization.Writer writer)");
        text.AppendLine("    {");
        foreach (var field in fields)
        {
            text.AppendLine($"      global::Orleans.Serialization.Codecs.Of<{field.Type}>().Write(writer, {field.Index}u, _a{field.Index});");
        }

        text.AppendLine("      writer.WriteEnd();");
        text.AppendLine("    }");
        text.AppendLine("    public override void ReadArguments(global::Orleans.Serialization.Reader reader)");
        text.AppendLine("    {");
        text.AppendLine("      while (reader.TryReadHeader(out var id, out var type))");
        text.AppendLine("      {");
        text.AppendLine("        switch (id)");
        text.AppendLine("        {");
        foreach (var field in fields)
        {
            text.AppendLine($"          case {field.Index}u: _a{field.Index} = global::Orleans.Serialization.Codecs.Of<{field.Type}>().Read(reader, type); break;");
        }

        text.AppendLine("          default: reader.Skip(type); break;");
        text.AppendLine("        }");
        text.AppendLine("      }");
        text.AppendLine("    }");
    }
}
