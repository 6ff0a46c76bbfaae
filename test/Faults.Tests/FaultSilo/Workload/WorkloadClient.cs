using Orleans.Storage;
using VoiceCluster.Faults.Grains;
using VoiceCluster.Faults.History;

namespace VoiceCluster.Faults.Workload;

/// <summary>One client that asks one thing after the other, drawn from a seed, and notes how each ended.</summary>
/// <param name="name">Its name in the history.</param>
/// <param name="number">Makes the values that it writes its own.</param>
/// <param name="run">Part of the grains' names, so that one cluster can serve several runs.</param>
public sealed class WorkloadClient(string name, int number, IGrainFactory grains, OperationLog log, TimeProvider time, int seed, string run = "")
{
    /// <summary>Grains of each kind.</summary>
    public const int Keys = 4;

    /// <summary>How many values a client can write.</summary>
    private const long ValuesEach = 1_000_000;

    private readonly Random _random = new(seed);
    private long _written;

    /// <summary>Its name in the history.</summary>
    public string Name => name;

    /// <summary>The grains of the workload.</summary>
    public IReadOnlyList<string> AllKeys { get; } = KeysOf(run);

    /// <summary>The grains of a run.</summary>
    public static string[] KeysOf(string run) => [.. Enumerable.Range(0, Keys).SelectMany(i => (string[])[$"counter-{run}{i}", $"register-{run}{i}"])];

    /// <summary>Asks until it is told to stop; ends when the last answer has come.</summary>
    public async Task RunAsync(TimeSpan pause, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var key = $"{run}{_random.Next(Keys)}";
            await (_random.Next(10) switch
            {
                < 3 => AskAsync($"counter-{key}", OperationKind.Increment),
                < 6 => AskAsync($"register-{key}", OperationKind.Write),
                < 8 => AskAsync(_random.Next(2) == 0 ? $"counter-{key}" : $"register-{key}", OperationKind.Read),
                _ => AskAsync(_random.Next(2) == 0 ? $"counter-{key}" : $"register-{key}", OperationKind.ReadStored),
            });
            await Task.Delay(pause * (0.2 + (1.6 * _random.NextDouble())), time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Asks one thing and notes it; answers whether it went well.</summary>
    public async Task<bool> AskAsync(string key, OperationKind kind, bool isFinal = false)
    {
        var argument = kind == OperationKind.Write ? (number * ValuesEach) + ++_written : 0;
        var operation = log.Begin(name, key, kind, argument, isFinal);
        try
        {
            var reading = await CallAsync(key, kind, argument);
#if NEXT_BUILD
            if (reading.Build is { } build && (build.Name != reading.Silo || build.Numbers is not [var number] || number != reading.Value))
            {
                throw new InvalidDataException($"{reading.Silo} said {build.Name}.");
            }

#endif
            log.End(operation with { Outcome = Outcome.Ok, Value = reading.Value, Activation = reading.Activation, Note = reading.Silo });
            return true;
        }
        catch (Exception e)
        {
            // A conflict was found by the store, which then has written nothing. All else may have come too late for us only.
            log.End(operation with
            {
                Outcome = e is InconsistentStateException ? Outcome.Failed : Outcome.Unknown,
                Note = $"{e.GetType().Name}: {e.Message}",
            });
            return false;
        }
    }

#if NEXT_BUILD
    /// <summary>Asks a grain what only the next build knows; answers whether it knew.</summary>
    public async Task<bool> AskBuildAsync(string key) =>
        (await GrainOf(key).ReadBuildAsync(new Build(name, [1, 2]))) is { Build: { Numbers: [1, 2] } build } && build.Name == name;

#endif
    private INumberGrain GrainOf(string key) =>
        key.StartsWith("counter", StringComparison.Ordinal) ? grains.GetGrain<ICounterGrain>(key) : grains.GetGrain<IRegisterGrain>(key);

    private Task<Reading> CallAsync(string key, OperationKind kind, long argument)
    {
        var grain = GrainOf(key);
        return kind switch
        {
            OperationKind.Increment => ((ICounterGrain)grain).IncrementAsync(),
            OperationKind.Write => ((IRegisterGrain)grain).WriteAsync(argument),
            OperationKind.Read => grain.ReadAsync(),
            _ => grain.ReadStoredAsync(),
        };
    }
}
