using VoiceCluster.Media.Audio;

namespace VoiceCluster.Media.Routing;

/// <summary>The slots of one receiving transport: nobody hears itself.</summary>
internal sealed class SlotSet(Transport transport) : Seating
{
    private readonly List<SlotConsumer> _slots = [];

    public void Add(SlotConsumer slot)
    {
        _slots.Add(slot);
        Places = [.. Places, null];
    }

    /// <summary>True when none is left.</summary>
    public bool Remove(SlotConsumer slot)
    {
        var place = _slots.IndexOf(slot);
        if (place < 0)
        {
            return false;
        }

        _slots.RemoveAt(place);
        Places = [.. Places[..place], .. Places[(place + 1)..]];
        return _slots.Count == 0;
    }

    /// <inheritdoc/>
    protected override bool MaySit(ActiveSpeakerDetector.Voice voice) => voice.Producer.Owner != transport.Owner;

    /// <inheritdoc/>
    protected override void OnChanged(int place, Producer? before, Producer? now, long at) => _slots[place].SwitchTo(now, at);
}
