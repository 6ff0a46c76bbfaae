using VoiceCluster.Media.Audio;

namespace VoiceCluster.Media.Routing;

/// <summary>Places among the loudest, of one receiver or of the room. Who sits stays in its place until somebody else needs it.</summary>
internal abstract class Seating
{
    /// <summary>Who is in which place; null while nobody is.</summary>
    protected Producer?[] Places { get; set; } = [];

    /// <summary>
    /// Fills the places from voices in the order of their claims: 1. who is gone or silenced leaves; 2. free places are
    /// filled, also with who does not speak yet, so that its first word is not lost; 3. a louder speaker replaces the quietest.
    /// </summary>
    public void Assign(ReadOnlySpan<ActiveSpeakerDetector.Voice> ranked, long now)
    {
        // :: Step 1
        var free = 0;
        for (var i = 0; i < Places.Length; i++)
        {
            if (Places[i] is { IsPaused: true } or { IsClosed: true })
            {
                Put(i, null, now);
            }

            free += Places[i] is null ? 1 : 0;
        }

        if (Places.Length == 0)
        {
            return;
        }

        foreach (var voice in ranked)
        {
            if (!MaySit(voice) || IndexOf(voice.Producer) >= 0)
            {
                continue;
            }

            // :: Step 2
            if (free > 0)
            {
                free--;
                Put(IndexOf(null), voice.Producer, now);
                continue;
            }

            // :: Step 3
            var quietest = Quietest();
            var seated = Places[quietest]!.Voice!;
            if (seated.Hold >= voice.Claim || !(LoudestSelector.IsSpeech(voice.Claim) || Yields(seated)))
            {
                return;
            }

            Put(quietest, voice.Producer, now);
        }
    }

    /// <summary>Whether a voice may have a place here at all.</summary>
    protected abstract bool MaySit(ActiveSpeakerDetector.Voice voice);

    /// <summary>Whether a voice leaves its place also for one that does not speak yet.</summary>
    protected virtual bool Yields(ActiveSpeakerDetector.Voice seated) => false;

    /// <summary>Somebody else, or nobody, has the place from now on.</summary>
    protected abstract void OnChanged(int place, Producer? before, Producer? now, long at);

    private void Put(int place, Producer? producer, long now)
    {
        var before = Places[place];
        Places[place] = producer;
        OnChanged(place, before, producer, now);
    }

    private int IndexOf(Producer? producer)
    {
        for (var i = 0; i < Places.Length; i++)
        {
            if (ReferenceEquals(Places[i], producer))
            {
                return i;
            }
        }

        return -1;
    }

    private int Quietest()
    {
        var quietest = 0;
        for (var i = 1; i < Places.Length; i++)
        {
            if (Places[i]!.Voice!.Hold < Places[quietest]!.Voice!.Hold)
            {
                quietest = i;
            }
        }

        return quietest;
    }
}
