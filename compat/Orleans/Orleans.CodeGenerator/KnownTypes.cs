using Microsoft.CodeAnalysis;

namespace Orleans.CodeGenerator;

/// <summary>The symbols that the generator looks for.</summary>
internal sealed class KnownTypes
{
    private KnownTypes(Compilation compilation, INamedTypeSymbol addressable)
    {
        Addressable = addressable;
        Grain = compilation.GetTypeByMetadataName("Orleans.IGrain")!;
        Observer = compilation.GetTypeByMetadataName("Orleans.IGrainObserver")!;
        GrainBase = compilation.GetTypeByMetadataName("Orleans.IGrainBase")!;
        Task = compilation.GetTypeByMetadataName("System.Threading.Tasks.Task")!;
        TaskOfT = compilation.GetTypeByMetadataName("System.Threading.Tasks.Task`1")!;
        ValueTask = compilation.GetTypeByMetadataName("System.Threading.Tasks.ValueTask")!;
        ValueTaskOfT = compilation.GetTypeByMetadataName("System.Threading.Tasks.ValueTask`1")!;
        CancellationToken = compilation.GetTypeByMetadataName("System.Threading.CancellationToken")!;
        Compilation = compilation;
    }

    public Compilation Compilation { get; }

    public INamedTypeSymbol Addressable { get; }

    public INamedTypeSymbol Grain { get; }

    public INamedTypeSymbol Observer { get; }

    public INamedTypeSymbol GrainBase { get; }

    public INamedTypeSymbol Task { get; }

    public INamedTypeSymbol TaskOfT { get; }

    public INamedTypeSymbol ValueTask { get; }

    public INamedTypeSymbol ValueTaskOfT { get; }

    public INamedTypeSymbol CancellationToken { get; }

    public static KnownTypes? TryFind(Compilation compilation) =>
        compilation.GetTypeByMetadataName("Orleans.Runtime.IAddressable") is { } addressable ? new KnownTypes(compilation, addressable) : null;
}
