using System.Collections.Concurrent;
using System.Globalization;

namespace VoiceCluster.Faults.Grains;

/// <summary>A tick as its grain was told it.</summary>
/// <param name="Key">Which grain.</param>
/// <param name="Silo">Where it was told.</param>
/// <param name="First">When the reminder was due first.</param>
/// <param name="At">When it was told.</param>
public sealed record Tick(string Key, string Silo, DateTime First, DateTime At);

/// <summary>Collects the ticks of a run, in a file as well when there is one.</summary>
public sealed class TickLog(string? file = null)
{
    private readonly ConcurrentQueue<Tick> _ticks = new();
    private readonly Lock _lock = new();

    /// <summary>In the order in which they came.</summary>
    public Tick[] Ticks => [.. _ticks];

    /// <summary>The ticks of a file.</summary>
    public static IEnumerable<Tick> Read(string file) => File.Exists(file)
        ? File.ReadLines(file).Select(line => line.Split('\t')).Where(f => f.Length == 5).Select(f => new Tick(f[0], f[1], Time(f[2]), Time(f[3])))
        : [];

    /// <summary>Notes one.</summary>
    public void Add(Tick tick)
    {
        _ticks.Enqueue(tick);
        if (file is not null)
        {
            lock (_lock)
            {
                // The last field tells a whole line from the half of one.
                File.AppendAllText(file, string.Create(CultureInfo.InvariantCulture, $"{tick.Key}\t{tick.Silo}\t{tick.First.Ticks}\t{tick.At.Ticks}\t.\n"));
            }
        }
    }

    private static DateTime Time(string ticks) => new(long.Parse(ticks, CultureInfo.InvariantCulture), DateTimeKind.Utc);
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
