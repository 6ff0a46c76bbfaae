using VoiceCluster.Media.Audio;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// Decides who is in the slots of a room's receivers and in the room's own places: the loudest who speak, with enough
/// persistence that two equally loud ones do not take turns. A voice claims a slot with its mean power over some packets and holds it with its loudest packet
/// and <see cref="Hysteresis"/>, so that a steady change is followed at once and speech's ups and downs are not.
/// </summary>
internal sealed class LoudestSelector
{
    /// <summary>µs between two looks, so that a change is followed within 60 ms: 45 ms of levels and one look.</summary>
    public const long AssignEvery = 10_000;

    /// <summary>dB that a claim must be above a hold: RFC 6464's levels are whole decibels, and one up or down means nothing.</summary>
    private const double Hysteresis = 2.1;

    /// <summary>Speech comes before noise, however loud.</summary>
    private const double Speech = 1_000;

    /// <summary>Voices put in order: more than a receiver has slots and producers of its own together.</summary>
    private const int MaxRanked = 128;

    private readonly List<Seating> _sets = [];
    private readonly ActiveSpeakerDetector.Voice[] _ranked = new ActiveSpeakerDetector.Voice[MaxRanked];

    /// <summary>Whether anybody asks.</summary>
    public bool IsNeeded => _sets.Count > 0;

    /// <summary>How many sets of places there are.</summary>
    public int Sets => _sets.Count;

    public void Open(Seating set) => _sets.Add(set);

    public void Close(Seating set) => _sets.Remove(set);

    /// <summary>True for a claim that may take another's slot.</summary>
    public static bool IsSpeech(double claim) => claim >= Speech;

    /// <summary>Gives each set of places its voices.</summary>
    public void Assign(IReadOnlyList<ActiveSpeakerDetector.Voice> voices, long now)
    {
        var count = 0;
        for (var v = 0; v < voices.Count; v++)
        {
            var voice = voices[v];
            if (voice.Producer.IsPaused || voice.Producer.IsClosed)
            {
                continue;
            }

            voice.Window.Read(now, out var mean, out var loudest);
            voice.IsSilent = loudest <= LevelWindow.Silence;
            var speech = voice.IsSpeaking ? Speech : 0;
            voice.Claim = speech + 127 + mean;
            voice.Hold = speech + 127 + loudest + Hysteresis;
            if (count == MaxRanked && _ranked[^1].Claim >= voice.Claim)
            {
                continue;
            }

            var i = count == MaxRanked ? count - 1 : count++;
            for (; i > 0 && _ranked[i - 1].Claim < voice.Claim; i--)
            {
                _ranked[i] = _ranked[i - 1];
            }

            _ranked[i] = voice;
        }

        foreach (var set in _sets)
        {
            set.Assign(_ranked.AsSpan(0, count), now);
        }
    }
}
