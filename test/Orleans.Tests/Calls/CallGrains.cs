using System.Collections.Immutable;
using Orleans.Concurrency;

namespace VoiceCluster.Engine.Tests.Calls;

[GenerateSerializer]
public sealed class Mutable
{
    [Id(0)]
    public List<int> Numbers { get; set; } = [];

    [Id(1)]
    public Mutable? Self { get; set; }
}

[GenerateSerializer, Immutable]
public sealed record Fixed([property: Id(0)] int[] Numbers);

public sealed class Unmarked
{
    public int Number { get; set; }
}

public interface ICallGrain : IGrainWithStringKey
{
    Task KeepAsync(Mutable value);

    Task<Mutable> GetKeptAsync();

    Task<bool> IsSameAsync(Fixed value, [Immutable] Mutable promised, ImmutableArray<int> numbers);

    Task<int[]> EchoAsync(int[] numbers);

    Task<object> PassAsync(object value);

    Task ThrowAsync(string message);

    Task<string?> GetContextAsync(string key, string? next);

    Task<GrainId> IdOfAsync(ICallGrain grain);

    Task<GrainId> IdOfItselfAsync(string other);
}

public sealed class CallGrain : Grain, ICallGrain
{
    internal static Fixed Known { get; } = new([1, 2]);

    internal static Mutable Promised { get; } = new();

    private Mutable _kept = new();

    public Task KeepAsync(Mutable value)
    {
        _kept = value;
        return Task.CompletedTask;
    }

    public Task<Mutable> GetKeptAsync() => Task.FromResult(_kept);

    public Task<bool> IsSameAsync(Fixed value, Mutable promised, ImmutableArray<int> numbers) =>
        Task.FromResult(ReferenceEquals(value, Known) && ReferenceEquals(promised, Promised) && numbers.Length == 2);

    public Task<int[]> EchoAsync(int[] numbers) => Task.FromResult(numbers);

    public Task<object> PassAsync(object value) => Task.FromResult(value);

    public Task ThrowAsync(string message) => throw new KeyNotFoundException(message, new FormatException("inner"));

    public async Task<string?> GetContextAsync(string key, string? next)
    {
        if (next is null)
        {
            return RequestContext.Get(key) as string;
        }

        var seen = await GrainFactory.GetGrain<ICallGrain>(next).GetContextAsync(key, null);
        RequestContext.Set(key, "changed by the grain");
        return seen;
    }

    public Task<GrainId> IdOfAsync(ICallGrain grain) => Task.FromResult(grain is GrainReference ? grain.GetGrainId() : default);

    public Task<GrainId> IdOfItselfAsync(string other) => GrainFactory.GetGrain<ICallGrain>(other).IdOfAsync(this);
}

public interface IGuidGrain : IGrainWithGuidKey
{
    Task<Guid> GetKeyAsync();
}

public interface INumberGrain : IGrainWithIntegerKey
{
    Task<long> GetKeyAsync();
}

public interface IGuidTextGrain : IGrainWithGuidCompoundKey
{
    Task<string> GetKeyAsync();
}

public interface INumberTextGrain : IGrainWithIntegerCompoundKey
{
    Task<string> GetKeyAsync();
}

public sealed class KeysGrain : Grain, IGuidGrain, INumberGrain, IGuidTextGrain, INumberTextGrain
{
    Task<Guid> IGuidGrain.GetKeyAsync() => Task.FromResult(this.GetPrimaryKey());

    Task<long> INumberGrain.GetKeyAsync() => Task.FromResult(this.GetPrimaryKeyLong());

    Task<string> IGuidTextGrain.GetKeyAsync() => Task.FromResult($"{this.GetPrimaryKey(out var text)} {text}");

    Task<string> INumberTextGrain.GetKeyAsync() => Task.FromResult($"{this.GetPrimaryKeyLong(out var text)} {text}");
}

public interface IShape : IGrainWithStringKey
{
    Task<string> GetNameAsync();
}

public abstract class ShapeGrain : Grain, IShape
{
    public Task<string> GetNameAsync() => Task.FromResult(GetType().Name);
}

public sealed class RoundGrain : ShapeGrain;

[GrainType("angular")]
public sealed class SquareGrain : ShapeGrain;

public interface IUnserved : IGrainWithStringKey;
