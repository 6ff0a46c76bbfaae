using System.Collections.Immutable;

namespace VoiceCluster.Engine.Tests.Serialization;

[GenerateSerializer]
public enum Colour : byte
{
    Red = 1,
    Blue = 200,
}

[GenerateSerializer, Immutable, Alias("test.Animal")]
public abstract record Animal([property: Id(0)] string Name);

[GenerateSerializer, Immutable, Alias("test.Dog")]
public sealed record Dog(string Name, [property: Id(0)] int Age) : Animal(Name);

[GenerateSerializer, Immutable, Alias("test.Cat")]
public sealed record Cat(string Name, [property: Id(0)] Animal? Enemy) : Animal(Name);

/// <summary>Parameters without ids are numbered by position.</summary>
[GenerateSerializer]
public sealed record Positional(int First, string? Second);

[GenerateSerializer, Alias("test.Box`1")]
public sealed class Box<T>
{
    [Id(0)]
    private T? _secret;

    [Id(1)]
    public T? Open { get; init; }

    [NonSerialized]
    public int Ignored;

    public T? Secret
    {
        get => _secret;
        set => _secret = value;
    }
}

[GenerateSerializer]
public struct Point
{
    [Id(0)]
    public int X;

    [Id(1)]
    public int? Y;
}

[GenerateSerializer]
public sealed class Everything
{
    [Id(0)]
    public int[]? Numbers { get; set; }

    [Id(1)]
    public Dictionary<string, List<Point>>? Map { get; set; }

    [Id(2)]
    public ImmutableArray<Colour> Colours { get; set; }

    [Id(3)]
    public object? Any { get; set; }

    [Id(4)]
    public IReadOnlyList<Animal>? Animals { get; set; }

    [Id(5)]
    public (int, string)? Pair { get; set; }

    [Id(6)]
    public Exception? Error { get; set; }

    [Id(1_000_000)]
    public Guid Id { get; set; }

    [Id(8)]
    public byte[]? Bytes { get; set; }

    [Id(9)]
    public Observers.IListener? Listener { get; set; }
}

[GenerateSerializer]
public sealed record VersionOne([property: Id(0)] string Name, [property: Id(3)] int Kept);

[GenerateSerializer]
public sealed record VersionTwo(
    [property: Id(0)] string Name, [property: Id(1)] Animal Added, [property: Id(2)] List<string> More, [property: Id(3)] int Kept, [property: Id(4)] double Last);
