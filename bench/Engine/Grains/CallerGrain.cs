namespace VoiceCluster.Bench.Engine.Grains;

/// <summary>Calls other grains from inside a silo.</summary>
public interface ICallerGrain : IGrainWithIntegerKey
{
    /// <summary>The id of the process that it lives in.</summary>
    Task<int> WhereAsync();

    /// <summary>Calls one echo grain after the other for so long.</summary>
    [ResponseTimeout("00:05:00")]
    Task<CallFigures> RunAsync(long[] targets, int first, TimeSpan time);

    /// <summary>Lets one member after the other join one of so many rooms, for so long.</summary>
    [ResponseTimeout("00:05:00")]
    Task<CallFigures> JoinAsync(int rooms, TimeSpan time);

    /// <summary>Calls so many grains that were never called.</summary>
    [ResponseTimeout("00:05:00")]
    Task ActivateAsync(long first, int count, bool isStored);

    /// <summary>Bytes of this process's managed heap after a collection, and those allocated since its start.</summary>
    Task<MemoryFigures> MemoryAsync();
}

/// <summary>How many calls were made, and how long they took, by buckets.</summary>
[GenerateSerializer, Immutable, Alias("bench.CallFigures")]
public sealed record CallFigures([property: Id(0)] long Calls, [property: Id(1)] long[] Buckets);

/// <summary>Memory of a process.</summary>
[GenerateSerializer, Immutable, Alias("bench.MemoryFigures")]
public sealed record MemoryFigures([property: Id(0)] long Heap, [property: Id(1)] long Allocated, [property: Id(2)] long WorkingSet);

/// <inheritdoc cref="ICallerGrain"/>
public sealed class CallerGrain : Grain, ICallerGrain
{
    /// <inheritdoc/>
    public Task<int> WhereAsync() => Task.FromResult(Environment.ProcessId);

    /// <inheritdoc/>
    public Task<CallFigures> RunAsync(long[] targets, int first, TimeSpan time) => CallLoop.RunAsync(GrainFactory, targets, first, time);

    /// <inheritdoc/>
    public Task<CallFigures> JoinAsync(int rooms, TimeSpan time) => CallLoop.JoinAsync(GrainFactory, rooms, time);

    /// <inheritdoc/>
    public async Task ActivateAsync(long first, int count, bool isStored)
    {
        var echo = new Echo("x", 1);
        for (var i = 0; i < count; i++)
        {
            if (isStored)
            {
                await GrainFactory.GetGrain<IStoredGrain>(first + i).EchoAsync(echo);
            }
            else
            {
                await GrainFactory.GetGrain<IEchoGrain>(first + i).EchoAsync(echo);
            }
        }
    }

    /// <inheritdoc/>
    public Task<MemoryFigures> MemoryAsync()
    {
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        return Task.FromResult(new MemoryFigures(heap, GC.GetTotalAllocatedBytes(precise: true), Environment.WorkingSet));
    }
}
