using VoiceCluster.Media.Audio;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// The room's own places: while there is a limit, the sound of producers without one is held back from the room's clients.
/// Who is silent takes no place, and who has fallen silent keeps it only until somebody is heard who has none.
/// </summary>
internal sealed class TopSpeakers : Seating
{
    /// <summary>How many are forwarded; 0 for all.</summary>
    public int Limit => Places.Length;

    /// <summary>How often a producer was let through or held back.</summary>
    public long Changes { get; private set; }

    /// <summary>Producers forwarded now, while there is a limit.</summary>
    public int Seated { get; private set; }

    /// <summary>Changes the limit: those in the first places stay, the others wait for their turn.</summary>
    public void Resize(int limit, IReadOnlyList<ActiveSpeakerDetector.Voice> voices, long now)
    {
        if (limit == Limit)
        {
            return;
        }

        var places = new Producer?[limit];
        Places.AsSpan(0, Math.Min(limit, Limit)).CopyTo(places);
        Places = places;
        Seated = places.Count(p => p is not null);
        foreach (var voice in voices)
        {
            if (limit == 0)
            {
                voice.Producer.LetThrough(now);
            }
            else if (!places.Contains(voice.Producer))
            {
                voice.Producer.HoldBack(now);
            }
        }
    }

    /// <inheritdoc/>
    protected override bool MaySit(ActiveSpeakerDetector.Voice voice) => !voice.IsSilent;

    /// <inheritdoc/>
    protected override bool Yields(ActiveSpeakerDetector.Voice seated) => seated.IsSilent;

    /// <inheritdoc/>
    protected override void OnChanged(int place, Producer? before, Producer? now, long at)
    {
        Changes++;
        Seated += (now is null ? 0 : 1) - (before is null ? 0 : 1);
        before?.HoldBack(at);
        now?.LetThrough(at);
    }
}
