using System.Collections.Concurrent;
using System.ComponentModel;
using System.Reflection;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>Names the generated class that registers an assembly's grains, interfaces and types.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true), EditorBrowsable(EditorBrowsableState.Never)]
public sealed class GrainManifestProviderAttribute(Type provider) : Attribute
{
    /// <summary>The class; it derives from <see cref="GrainManifestProvider"/>.</summary>
    public Type Provider => provider;
}

/// <summary>Registers what one assembly declares. Generated.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class GrainManifestProvider
{
    /// <summary>Registers everything.</summary>
    public abstract void Register(GrainManifest manifest);
}

/// <summary>The grain classes, interfaces and copiers of all loaded assemblies.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class GrainManifest
{
    private readonly Lock _lock = new();
    private readonly HashSet<Assembly> _assemblies = [];
    private readonly ConcurrentDictionary<Type, Func<IGrainCaller, GrainId, GrainReference>> _references = new();
    private readonly ConcurrentDictionary<GrainType, Type> _classes = new();
    private readonly ConcurrentDictionary<(Type, string?), GrainType> _resolved = new();
    private readonly ConcurrentDictionary<string, Func<GrainRequest>> _methods = new(StringComparer.Ordinal);

    private GrainManifest()
    {
        AppDomain.CurrentDomain.AssemblyLoad += (_, loaded) => Load(loaded.LoadedAssembly);
        foreach (var assembly in AppDomain.CurrentDomain.GetAssemblies())
        {
            Load(assembly);
        }

        // Assemblies that the program names but has not used yet are loaded now, so that their grains are known.
        foreach (var assembly in AppDomain.CurrentDomain.GetAssemblies().ToArray())
        {
            LoadReferenced(assembly);
        }
    }

    /// <summary>The manifest of this process.</summary>
    internal static GrainManifest Instance { get; } = new();

    /// <summary>
    /// Makes sure that the loaded assemblies are registered: who looks for a codec, copier or name may be the first to
    /// need the manifest.
    /// </summary>
    internal static void EnsureLoaded() => _ = Instance;

    /// <summary>Called by generated code: how to make references of an interface.</summary>
    public void AddInterface(Type grainInterface, Func<IGrainCaller, GrainId, GrainReference> create) => _references[grainInterface] = create;

    /// <summary>Called by generated code: how to make the request of a method, by its name on the wire.</summary>
    public void AddMethod(string wireName, Func<GrainRequest> create) => _methods[wireName] = create;

    /// <summary>Called by generated code: a grain class.</summary>
    public void AddGrainClass(Type grainClass) => _classes[TypeOf(grainClass)] = grainClass;

    /// <summary>Called by generated code: a copier; both may be open generics.</summary>
    public void AddCopier(Type type, Type copier) => DeepCopy.Register(type, copier);

    /// <summary>Called by generated code: a codec and the type's name on the wire; both may be open generics.</summary>
    public void AddCodec(Type type, Type codec, string name)
    {
        Codecs.Register(type, codec);
        TypeNames.Register(type, name);
    }

    /// <summary>Called by generated code: the name of an enum on the wire.</summary>
    public void AddName(Type type, string name) => TypeNames.Register(type, name);

    /// <summary>How the empty request of a method is made; null when this process does not know it.</summary>
    internal Func<GrainRequest>? FindMethod(string wireName) => _methods.GetValueOrDefault(wireName);

    internal GrainReference CreateReference(IGrainCaller caller, Type grainInterface, GrainId grainId) =>
        _references.TryGetValue(grainInterface, out var create)
            ? create(caller, grainId)
            : throw new ArgumentException($"{grainInterface} is no grain or observer interface that the source generator has seen.");

    internal Type FindClass(GrainType grainType) =>
        _classes.TryGetValue(grainType, out var grainClass)
            ? grainClass
            : throw new ArgumentException($"There is no grain class for grain type \"{grainType}\".");

    /// <summary>The grain type that a reference of the interface means; with a prefix, among classes whose full name begins so.</summary>
    internal GrainType Resolve(Type grainInterface, string? classNamePrefix) =>
        _resolved.GetOrAdd((grainInterface, classNamePrefix), static (key, manifest) => manifest.FindType(key.Item1, key.Item2), this);

    private static GrainType TypeOf(Type grainClass)
    {
        if (grainClass.GetCustomAttribute<GrainTypeAttribute>() is { } named)
        {
            return new GrainType(named.Type);
        }

        // The documented rule: the class's name in lower case, without "grain" at its end.
        var name = grainClass.Name.ToLowerInvariant();
        return new GrainType(name.Length > 5 && name.EndsWith("grain", StringComparison.Ordinal) ? name[..^5] : name);
    }

    private GrainType FindType(Type grainInterface, string? prefix)
    {
        var candidates = _classes.Where(c => grainInterface.IsAssignableFrom(c.Value)).ToArray();
        if (prefix is not null)
        {
            var exact = candidates.Where(c => c.Value.FullName == prefix).ToArray();
            candidates = exact.Length > 0
                ? exact
                : [.. candidates.Where(c => c.Value.FullName!.StartsWith(prefix, StringComparison.Ordinal))];
        }
        else if (grainInterface.GetCustomAttribute<DefaultGrainTypeAttribute>() is { } byDefault)
        {
            return new GrainType(byDefault.Type);
        }

        if (candidates.Length > 1)
        {
            // As documented: IFoo prefers the class Foo.
            var conventional = candidates.Where(c => $"I{c.Value.Name}" == grainInterface.Name).ToArray();
            candidates = conventional.Length == 1 ? conventional : candidates;
        }

        return candidates.Length switch
        {
            1 => candidates[0].Key,
            0 => throw new ArgumentException($"Could not find an implementation for interface {grainInterface}."),
            _ => throw new ArgumentException(
                $"Several classes implement {grainInterface}: {string.Join(", ", candidates.Select(c => c.Value))}. Give a class name prefix."),
        };
    }

    /// <summary>For a client, which has interfaces without their classes: IRoomGrain means what RoomGrain's type would be.</summary>
    internal GrainType ResolveOrGuess(Type grainInterface, string? classNamePrefix) =>
        _resolved.TryGetValue((grainInterface, classNamePrefix), out var known) ? known
        : _classes.Any(c => grainInterface.IsAssignableFrom(c.Value)) ? Resolve(grainInterface, classNamePrefix)
        : grainInterface.GetCustomAttribute<DefaultGrainTypeAttribute>() is { } byDefault ? new GrainType(byDefault.Type)
        : ByConvention(grainInterface);

    private static GrainType ByConvention(Type grainInterface)
    {
        var name = grainInterface.Name.ToLowerInvariant();
        name = name.Length > 1 && name[0] == 'i' ? name[1..] : name;
        return new GrainType(name.Length > 5 && name.EndsWith("grain", StringComparison.Ordinal) ? name[..^5] : name);
    }

    private void Load(Assembly assembly)
    {
        lock (_lock)
        {
            if (assembly.IsDynamic || !_assemblies.Add(assembly))
            {
                return;
            }
        }

        var providers = assembly.GetCustomAttributes<GrainManifestProviderAttribute>().ToArray();
        foreach (var provider in providers)
        {
            ((GrainManifestProvider)Activator.CreateInstance(provider.Provider, nonPublic: true)!).Register(this);
        }

        if (providers.Length > 0)
        {
            _resolved.Clear();
        }
    }

    private void LoadReferenced(Assembly assembly)
    {
        if (assembly.IsDynamic || assembly.GetName().Name!.StartsWith("System.", StringComparison.Ordinal)
            || assembly.GetName().Name!.StartsWith("Microsoft.", StringComparison.Ordinal))
        {
            return;
        }

        foreach (var name in assembly.GetReferencedAssemblies())
        {
            var known = AppDomain.CurrentDomain.GetAssemblies().Any(a => a.GetName().Name == name.Name);
            if (!known && !name.Name!.StartsWith("System.", StringComparison.Ordinal) && !name.Name.StartsWith("Microsoft.", StringComparison.Ordinal)
                && TryLoad(name) is { } referenced)
            {
                LoadReferenced(referenced);
            }
        }
    }

    private static Assembly? TryLoad(AssemblyName name)
    {
        try
        {
            return Assembly.Load(name);
        }
        catch (Exception e) when (e is FileNotFoundException or FileLoadException or BadImageFormatException)
        {
            // A reference that is compiled against but not shipped holds no grains that could run.
            return null;
        }
    }
}
