using System.Collections.Concurrent;

namespace VoiceCluster.Engine.Tests;

/// <summary>What a test and the grain of the same key share: a log, and a gate that holds the grain's requests.</summary>
internal sealed class Probe
{
    private static readonly ConcurrentDictionary<string, Probe> All = new();
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _log = [];
    private int _count;

    public static string NewKey() => Guid.NewGuid().ToString("N");

    public static Probe Of(string key) => All.GetOrAdd(key, static _ => new Probe());

    public Task Gate => _gate.Task;

    public int Count => Volatile.Read(ref _count);

    public string[] Log
    {
        get
        {
            lock (_log)
            {
                return [.. _log];
            }
        }
    }

    public int Increment() => Interlocked.Increment(ref _count);

    public void Open() => _gate.TrySetResult();

    public void Add(string entry)
    {
        lock (_log)
        {
            _log.Add(entry);
        }
    }

    public Task SeesAsync(string entry) => Eventually.HoldsAsync(() => Log.Contains(entry), $"the log has \"{entry}\"; it has {string.Join(", ", Log)}");

    public Task CountsAsync(int count) => Eventually.HoldsAsync(() => Count >= count, $"a count of {count}");
}

/// <summary>Waits for a state with a deadline.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static async Task HoldsAsync(Func<bool> condition, string description)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (!condition())
        {
            if (deadline.IsCancellationRequested)
            {
                Assert.Fail($"Not within {Deadline}: {description}");
            }

            await Task.Delay(5, CancellationToken.None);
        }
    }
}
