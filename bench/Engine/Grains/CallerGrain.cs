using Microsoft.Extensions.DependencyInjection;
using VoiceCluster.Bench.Engine.Processes;

namespace VoiceCluster.Bench.Engine.Grains;

/// <summary>Calls other grains from inside a silo.</summary>
public interface ICallerGrain : IGrainWithIntegerKey
{
    /// <summary>The id of the process that it lives in.</summary>
    Task<int> WhereAsync();

    /// <summary>Calls one echo grain after the other for so long.</summary>
    [ResponseTimeout("00:05:00")]
    Task<CallFigures> RunAsync(long[] targets, int first, TimeSpan time);

    /// <summary>Lets the residents of some rooms in, or renews their leases.</summary>
    [ResponseTimeout("00:05:00")]
    Task SettleAsync(int first, int count);

    /// <summary>Lets one participant after the other join one of so many rooms and leave it, for so long.</summary>
    [ResponseTimeout("00:05:00")]
    Task<CallFigures> JoinAsync(int rooms, TimeSpan time);

    /// <summary>Calls so many grains that were never called.</summary>
    [ResponseTimeout("00:05:00")]
    Task ActivateAsync(long first, int count, bool isStored);

    /// <summary>What has kept this process from its work so far.</summary>
    Task<Pauses> PausesAsync();

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
public sealed class CallerGrain(IServiceProvider services) : Grain, ICallerGrain
{
    private Door Door => services.GetRequiredService<Door>();

    /// <inheritdoc/>
    public Task<int> WhereAsync() => Task.FromResult(Environment.ProcessId);

    /// <inheritdoc/>
    public Task<CallFigures> RunAsync(long[] targets, int first, TimeSpan time) => CallLoop.RunAsync(GrainFactory, targets, first, time);

    /// <inheritdoc/>
    public Task SettleAsync(int first, int count) => JoinLoop.SettleAsync(GrainFactory, Door.Reference, first, count);

    /// <inheritdoc/>
    public Task<CallFigures> JoinAsync(int rooms, TimeSpan time) => JoinLoop.RunAsync(GrainFactory, Door, (int)this.GetPrimaryKeyLong(), rooms, time);

    /// <inheritdoc/>
    public Task<Pauses> PausesAsync() => Task.FromResult(Pauses.OfThisProcess());

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
