using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Orleans.CodeGenerator;

namespace VoiceCluster.Engine.Tests.Generator;

/// <summary>What the generator refuses, as the official one and its analyzers do.</summary>
public sealed class DiagnosticTests
{
    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(p => MetadataReference.CreateFromFile(p)),
    ];

    [Theory]
    [InlineData("public interface IG : IGrainWithStringKey { int Get(); }", "VCO001")]
    [InlineData("public interface IG : IGrainWithStringKey { void Get(); }", "VCO001")]
    [InlineData("public interface IG : IGrainWithStringKey { Task Get(ref int a); }", "VCO002")]
    [InlineData("public interface IG : IGrainWithStringKey { Task Get(out int a); }", "VCO002")]
    [InlineData("public interface IG : IGrainWithStringKey { int Size { get; } }", "VCO003")]
    [InlineData("[GenerateSerializer] public class T { public int A { get; set; } }", "VCO004")]
    [InlineData("[GenerateSerializer] public class T { private int _a; public int B() => _a; }", "VCO004")]
    [InlineData("[GenerateSerializer] public class T { [Id(1)] public int A; [Id(1)] public int B; }", "VCO005")]
    [InlineData("[GenerateSerializer, Alias(\"x\")] public class T; [GenerateSerializer, Alias(\"x\")] public class U;", "VCO006")]
    [InlineData("public class O { [GenerateSerializer] private class T { [Id(0)] public int A; } }", "VCO007")]
    [InlineData("public interface IG : IGrainWithStringKey { Task Get(CancellationToken a, CancellationToken b); }", "VCO008")]
    [InlineData("public interface IG : IGrainWithStringKey { Task Get<T>(T a); }", "VCO009")]
    [InlineData("public interface IG : IGrainWithStringKey { Task Get(); } public class G : Grain, IG { [AlwaysInterleave] public Task Get() => Task.CompletedTask; }", "VCO010")]
    public void Generator_OnABrokenRule_ReportsIt(string source, string expected)
    {
        var (diagnostics, _) = Run(source);
        Assert.Contains(expected, diagnostics.Select(d => d.Id));
        Assert.All(diagnostics, d => Assert.Equal(DiagnosticSeverity.Error, d.Severity));
    }

    [Theory]
    [InlineData("public interface IO : IGrainObserver { void Hear(int a); Task<int> Ask(string b); [OneWay] Task Tell(); }")]
    [InlineData("public interface IG : IGrainWithStringKey { Task A(int a, CancellationToken t); ValueTask<string> B(); [OneWay] void C(); ValueTask D(List<int> l); }")]
    [InlineData("[GenerateSerializer] public record R([property: Id(0)] int A, string B); [GenerateSerializer] public class T<TA> where TA : class, new() { [Id(0)] private TA _a = new(); [Id(1)] public TA[] B { get; init; } = []; [NonSerialized] public int C; public TA Get() => _a; }")]
    [InlineData("[GenerateSerializer] public abstract record Base([property: Id(0)] long N); [GenerateSerializer] public sealed record Derived(long N, [property: Id(0)] string? S) : Base(N);")]
    [InlineData("[GenerateSerializer] public struct S { [Id(0)] public int A; [Id(1)] public readonly string B; }")]
    [InlineData("public interface IA : IGrainWithStringKey { Task A(int a); } public interface IB : IA { Task A(string a); } public class G : Grain, IB { public Task A(int a) => Task.CompletedTask; public Task A(string a) => Task.CompletedTask; }")]
    public void Generator_OnValidCode_WritesCodeThatCompiles(string source)
    {
        var (diagnostics, compilation) = Run(source);
        Assert.Empty(diagnostics);
        Assert.Empty(compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error));
        Assert.Equal(2, compilation.SyntaxTrees.Count());
    }

    private static (IReadOnlyList<Diagnostic> Diagnostics, Compilation Output) Run(string source)
    {
        const string Usings = "#nullable enable\nusing System; using System.Collections.Generic; using System.Threading; using System.Threading.Tasks; using Orleans; using Orleans.Concurrency; using Orleans.Runtime;\n";
        var options = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Preview);
        var compilation = CSharpCompilation.Create(
            "Generated.Test",
            [CSharpSyntaxTree.ParseText(Usings + source, options)],
            References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        var driver = CSharpGeneratorDriver.Create([new OrleansGenerator().AsSourceGenerator()], parseOptions: options);
        driver.RunGeneratorsAndUpdateCompilation(compilation, out var output, out var diagnostics);
        return (diagnostics, output);
    }
}
