using VoiceCluster.Media.Audio;

namespace VoiceCluster.Media.Routing;

/// <summary>The slots of one receiving transport.</summary>
internal sealed class SlotSet(Transport transport)
{
    private readonly List<SlotConsumer> _slots = [];

    public void Add(SlotConsumer slot) => _slots.Add(slot);

    /// <summary>True when none is left.</summary>
    public bool Remove(SlotConsumer slot) => _slots.Remove(slot) && _slots.Count == 0;

    /// <summary>
    /// Fills the slots from voices in the order of their claims: 1. who is gone or silenced leaves; 2. free slots are
    /// filled, also with who does not speak yet, so that its first word is not lost; 3. a louder speaker replaces the
    /// quietest. Who stays, stays in its slot.
    /// </summary>
    public void Assign(ReadOnlySpan<ActiveSpeakerDetector.Voice> ranked, long now)
    {
        // :: Step 1
        var free = 0;
        foreach (var slot in _slots)
        {
            if (slot.Source is { IsPaused: true } or { IsClosed: true })
            {
                slot.SwitchTo(null, now);
            }

            free += slot.Source is null ? 1 : 0;
        }

        foreach (var voice in ranked)
        {
            if (voice.Producer.Transport.Owner == transport.Owner || Has(voice.Producer))
            {
                continue;
            }

            // :: Step 2
            if (free > 0)
            {
                free--;
                Free().SwitchTo(voice.Producer, now);
                continue;
            }

            // :: Step 3
            var quietest = Quietest();
            if (!LoudestSelector.IsSpeech(voice.Claim) || quietest.Source!.Voice!.Hold >= voice.Claim)
            {
                return;
            }

            quietest.SwitchTo(voice.Producer, now);
        }
    }

    private bool Has(Producer producer)
    {
        foreach (var slot in _slots)
        {
            if (slot.Source == producer)
            {
                return true;
            }
        }

        return false;
    }

    private SlotConsumer Free()
    {
        foreach (var slot in _slots)
        {
            if (slot.Source is null)
            {
                return slot;
            }
        }

        throw new InvalidOperationException("No slot is free.");
    }

    private SlotConsumer Quietest()
    {
        var quietest = _slots[0];
        foreach (var slot in _slots)
        {
            if (slot.Source!.Voice!.Hold < quietest.Source!.Voice!.Hold)
            {
                quietest = slot;
            }
        }

        return quietest;
    }
}
