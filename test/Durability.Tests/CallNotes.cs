using System.Collections.Concurrent;

namespace VoiceCluster.Durability.Tests;

/// <summary>What the clients were told before the server died: the server must stand by each word of it.</summary>
internal sealed class CallNotes
{
    private readonly ConcurrentDictionary<Guid, ConcurrentQueue<string>> _states = new();
    private int _interrupted;
    private int _steps;

    /// <summary>Steps that were answered.</summary>
    public int Steps => Volatile.Read(ref _steps);

    /// <summary>By call, the states that the server has confirmed.</summary>
    public IReadOnlyDictionary<Guid, string[]> Confirmed => _states.ToDictionary(s => s.Key, s => s.Value.ToArray());

    /// <summary>Conversations that the death of the server broke off.</summary>
    public int Interruptions => _interrupted;

    public void Started(Guid call, string state) => Changed(call, state);

    public void Changed(Guid call, string state)
    {
        _states.GetOrAdd(call, _ => []).Enqueue(state);
        Interlocked.Increment(ref _steps);
    }

    public void Interrupted() => Interlocked.Increment(ref _interrupted);
}
