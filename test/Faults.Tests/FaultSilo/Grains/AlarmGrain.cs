using System.Collections.Concurrent;

namespace VoiceCluster.Faults.Grains;

/// <summary>A tick as its grain was told it.</summary>
/// <param name="Key">Which grain.</param>
/// <param name="Silo">Where it was told.</param>
/// <param name="First">When the reminder was due first.</param>
/// <param name="At">When it was told.</param>
public sealed record Tick(string Key, string Silo, DateTime First, DateTime At);

/// <summary>Collects the ticks of a run.</summary>
public sealed class TickLog
{
    private readonly ConcurrentQueue<Tick> _ticks = new();

    /// <summary>In the order in which they came.</summary>
    public Tick[] Ticks => [.. _ticks];

    /// <summary>Notes one.</summary>
    public void Add(Tick tick) => _ticks.Enqueue(tick);
}

/// <summary>A grain with a reminder.</summary>
[Alias("faults.IAlarmGrain")]
public interface IAlarmGrain : IGrainWithStringKey
{
    /// <summary>Sets its reminder.</summary>
    Task SetAsync(TimeSpan due, TimeSpan period);
}

/// <inheritdoc cref="IAlarmGrain"/>
public sealed class AlarmGrain(TickLog log, IGrainRuntime runtime) : Grain, IAlarmGrain, IRemindable
{
    /// <inheritdoc/>
    public Task SetAsync(TimeSpan due, TimeSpan period) => this.RegisterOrUpdateReminder("alarm", due, period);

    /// <inheritdoc/>
    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        log.Add(new Tick(this.GetPrimaryKeyString(), runtime.SiloIdentity, status.FirstTickTime, status.CurrentTickTime));
        return Task.CompletedTask;
    }
}
