using System.Collections.Concurrent;

namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>A tick as the grain was told it.</summary>
internal sealed record SeenTick(long Grain, string Silo, DateTime At);

public interface IAlarmGrain : IGrainWithIntegerKey
{
    Task SetAsync(string run, TimeSpan due, TimeSpan period);
}

public sealed class AlarmGrain(IGrainRuntime runtime) : Grain, IAlarmGrain, IRemindable
{
    /// <summary>The ticks of each run; the silos share the process.</summary>
    internal static ConcurrentDictionary<string, ConcurrentQueue<SeenTick>> Seen { get; } = new();

    public Task SetAsync(string run, TimeSpan due, TimeSpan period) => this.RegisterOrUpdateReminder(run, due, period);

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        Seen.GetOrAdd(reminderName, static _ => new()).Enqueue(new SeenTick(this.GetPrimaryKeyLong(), runtime.SiloIdentity, status.CurrentTickTime));
        return Task.CompletedTask;
    }
}
