using VoiceCluster.Media.Routing;

namespace VoiceCluster.Media.Audio;

/// <summary>
/// Who speaks in a room. A producer starts to speak with its second loud packet within 100 ms (about 20 ms after the
/// first) and stops 400 ms after its last one.
/// </summary>
internal sealed class ActiveSpeakerDetector
{
    /// <summary>µs from the last loud packet to the end of speech (SPEC: 400 ms ± 100 ms).</summary>
    public const long Hangover = 400_000;

    /// <summary>µs between looks for those who fell silent.</summary>
    public const long CheckEvery = 50_000;

    /// <summary>-dBov; louder than this is speech. Room noise after a browser's noise suppression is below -60.</summary>
    private const int Threshold = 50;

    /// <summary>µs within which the second loud packet must follow.</summary>
    private const long OnsetWindow = 100_000;

    /// <summary>Reports in any second.</summary>
    private const int MaxReportsPerSecond = 10;

    /// <summary>
    /// Voices times reports in a second: each report goes to everybody in the room, so a room of hundreds gets fewer than ten, one at
    /// least. A report after a second of calm is never held back.
    /// </summary>
    private const int MaxVoiceReportsPerSecond = 1_000;

    /// <summary>Speakers in a report at most, the loudest.</summary>
    public const int MaxReported = 32;

    /// <summary>Speakers that a report names in the largest rooms.</summary>
    public const int LeastReported = 8;

    /// <summary>Voices times speakers in a report: each of them is told of each speaker who begins or stops, and where all microphones are open those are others each time.</summary>
    private const int MaxVoiceSpeakers = 8_000;

    /// <summary>µs between reports in which only loudness or order changed.</summary>
    private const long LevelReportEvery = 300_000;

    /// <summary>dB of change that is worth a report.</summary>
    private const int LevelStep = 6;

    private readonly List<Voice> _voices = [];
    private readonly long[] _reportedAt = new long[MaxReportsPerSecond];
    private ActiveSpeaker[] _reported = new ActiveSpeaker[MaxReported];
    private ActiveSpeaker[] _speakers = new ActiveSpeaker[MaxReported];
    private int _reportedCount;
    private int _nextReport;

    public ActiveSpeakerDetector() => Array.Fill(_reportedAt, long.MinValue / 2);

    /// <summary>One producer's state; its producer keeps it.</summary>
    internal sealed class Voice(Producer producer)
    {
        public Producer Producer { get; } = producer;

        public long FirstLoudAt { get; set; } = long.MinValue / 2;

        public long LastLoudAt { get; set; } = long.MinValue / 2;

        public bool IsSpeaking { get; set; }

        /// <summary>Whether nothing came of late that has any sound; as of the last look of <see cref="LoudestSelector"/>.</summary>
        public bool IsSilent { get; set; }

        /// <summary>Smoothed, in -dBov.</summary>
        public double Level { get; set; } = 127;

        /// <summary>The last packets' levels.</summary>
        public LevelWindow Window { get; } = new();

        /// <summary>What it has to say for a place among the loudest, and for keeping it; see <see cref="LoudestSelector"/>.</summary>
        public double Claim { get; set; }

        public double Hold { get; set; }
    }

    /// <summary>When <see cref="TryReport"/> may have news without a packet; <see cref="long.MaxValue"/> when all are silent.</summary>
    public bool HasSpeakers { get; private set; }

    /// <summary>All audio producers.</summary>
    public IReadOnlyList<Voice> Voices => _voices;

    public Voice Add(Producer producer)
    {
        var voice = new Voice(producer);
        _voices.Add(voice);
        return voice;
    }

    public void Remove(Voice voice) => _voices.Remove(voice);

    /// <summary>A packet of a producer that is not paused. True when it begins to speak, which is to be reported at once.</summary>
    public bool OnLevel(Voice voice, AudioLevel level, long now)
    {
        voice.Window.Add(level.Level, now);

        // Rises at once, falls over some packets.
        voice.Level = level.Level < voice.Level ? level.Level : voice.Level + ((level.Level - voice.Level) * 0.1);
        if (level.Level >= Threshold)
        {
            return false;
        }

        var begins = false;
        if (now - voice.LastLoudAt > OnsetWindow)
        {
            voice.FirstLoudAt = now;
        }
        else if (now > voice.FirstLoudAt)
        {
            begins = !voice.IsSpeaking;
            voice.IsSpeaking = true;
            HasSpeakers = true;
        }

        voice.LastLoudAt = now;
        return begins;
    }

    /// <summary>Ends a producer's speech at once: it was paused.</summary>
    public static void Silence(Voice voice)
    {
        voice.IsSpeaking = false;
        voice.LastLoudAt = long.MinValue / 2;
        voice.Level = 127;
        voice.Window.Clear();
    }

    /// <summary>Works out who speaks; true when that is to be reported now.</summary>
    public bool TryReport(long now, out ReadOnlySpan<ActiveSpeaker> speakers)
    {
        var count = Collect(now);
        speakers = default;
        var sameSet = IsSameSet(count);
        if (sameSet && !(LouderOrReordered(count) && now - Latest >= LevelReportEvery))
        {
            return false;
        }

        // A window over the last ten reports, not a fixed pace, so that an onset is not held back.
        var most = Math.Clamp(MaxVoiceReportsPerSecond / Math.Max(1, _voices.Count), 1, MaxReportsPerSecond);
        if (now - _reportedAt[(_nextReport + MaxReportsPerSecond - most) % MaxReportsPerSecond] < 1_000_000)
        {
            return false;
        }

        _reportedAt[_nextReport] = now;
        _nextReport = (_nextReport + 1) % MaxReportsPerSecond;
        (_reported, _speakers) = (_speakers, _reported);
        _reportedCount = count;
        speakers = _reported.AsSpan(0, count);
        return true;
    }

    private long Latest => _reportedAt[(_nextReport + MaxReportsPerSecond - 1) % MaxReportsPerSecond];

    private int Collect(long now)
    {
        var count = 0;
        var most = Math.Clamp(MaxVoiceSpeakers / Math.Max(1, _voices.Count), LeastReported, MaxReported);
        foreach (var voice in _voices)
        {
            if (voice.IsSpeaking && now - voice.LastLoudAt >= Hangover)
            {
                voice.IsSpeaking = false;
            }

            if (!voice.IsSpeaking)
            {
                continue;
            }

            var speaker = new ActiveSpeaker(voice.Producer, -(int)Math.Round(voice.Level));
            if (count == most && _speakers[most - 1].Level >= speaker.Level)
            {
                continue;
            }

            var i = count == most ? count - 1 : count++;
            for (; i > 0 && _speakers[i - 1].Level < speaker.Level; i--)
            {
                _speakers[i] = _speakers[i - 1];
            }

            _speakers[i] = speaker;
        }

        HasSpeakers = count > 0;
        return count;
    }

    private bool IsSameSet(int count)
    {
        if (count != _reportedCount)
        {
            return false;
        }

        for (var i = 0; i < count; i++)
        {
            if (IndexReported(_speakers[i].Producer) < 0)
            {
                return false;
            }
        }

        return true;
    }

    private bool LouderOrReordered(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var before = _reported[IndexReported(_speakers[i].Producer)].Level;
            if (Math.Abs(before - _speakers[i].Level) >= LevelStep)
            {
                return true;
            }
        }

        return false;
    }

    private int IndexReported(Producer producer)
    {
        for (var i = 0; i < _reportedCount; i++)
        {
            if (ReferenceEquals(_reported[i].Producer, producer))
            {
                return i;
            }
        }

        return -1;
    }
}
