using VoiceCluster.Abstractions.Calls;

namespace VoiceCluster.Grains.Calls;

/// <summary>What the caller sent before the answer, within bounds and in order.</summary>
public sealed class HeldSignals(int maxCount, int maxCharacters)
{
    private readonly List<SendCallSignal> _signals = [];
    private long _characters;

    /// <summary>Keeps a signal. False when there is no room for it.</summary>
    public bool TryAdd(SendCallSignal signal)
    {
        if (_signals.Count >= maxCount || _characters + signal.PayloadJson.Length > maxCharacters)
        {
            return false;
        }

        _signals.Add(signal);
        _characters += signal.PayloadJson.Length;
        return true;
    }

    /// <summary>Everything kept, which is then kept no more.</summary>
    public SendCallSignal[] TakeAll()
    {
        SendCallSignal[] signals = [.. _signals];
        _signals.Clear();
        _characters = 0;
        return signals;
    }
}
