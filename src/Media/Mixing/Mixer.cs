using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Mixing;

/// <summary>
/// Mixes speakers for listeners, each without its own voice: Opus in, Opus out, mono, 48 kHz, a frame every 20 ms.
/// Sans-IO: packets and `now` in, frames to the listeners' sinks out. All who do not speak share one encoder.
/// A frame: 1. choose who sounds; 2. decode and sum; 3. take each speaker's own voice out, limit, encode, hand out.
/// </summary>
public sealed class Mixer : IDisposable
{
    /// <summary>Microseconds of a frame.</summary>
    public const long FrameTime = 20_000;

    /// <summary>Samples of a frame at 48 kHz.</summary>
    public const int FrameSamples = Opus.FrameDuration;

    /// <summary>Frames of silence sent after the last sound, 200 ms: receivers' decoders fade out on them.</summary>
    private const int TailFrames = 10;

    /// <summary>Frames for which one who spoke keeps its own encoder, 1 s: pauses between words are shorter.</summary>
    private const int SpeakerFrames = 50;

    /// <summary>Lateness after which frames are left out instead of caught up with, µs: 200 ms.</summary>
    private const long MaxLateness = 10 * FrameTime;

    /// <summary>dB by which a source must be louder to take another's place in a full mix.</summary>
    private const int LevelStep = 6;

    private readonly MixerOptions _options;
    private readonly Dictionary<string, MixMember> _members = new(StringComparer.Ordinal);
    private readonly List<MixSource> _sources = [];
    private readonly List<MixListener> _listeners = [];
    private readonly Stack<MixVoice> _freeVoices = [];
    private readonly Stack<MixOutput> _freeOutputs = [];
    private readonly MixSource[] _chosen;
    private readonly float[] _mix = new float[FrameSamples];
    private readonly float[] _withoutSelf = new float[FrameSamples];
    private readonly float[] _previous = new float[FrameSamples];
    private readonly MixOutput _shared;
    private int _chosenCount;
    private long _nextTickAt = long.MinValue;
    private long _tick;
    private long _soundedTick = long.MinValue / 2;

    /// <param name="options">Its settings.</param>
    /// <exception cref="DllNotFoundException">The system has no libopus; see <see cref="OpusSupport.IsAvailable"/>.</exception>
    public Mixer(MixerOptions? options = null)
    {
        _options = options ?? new MixerOptions();
        _chosen = new MixSource[_options.MaxVoices];
        _shared = new MixOutput(_options);
    }

    /// <summary>Whether anybody listens.</summary>
    public bool HasListeners => _listeners.Count > 0;

    /// <summary>Frames mixed so far.</summary>
    public long Frames { get; private set; }

    /// <summary>Samples of 48 kHz at an instant in microseconds.</summary>
    internal static long ToSamples(long now) => now * 48 / 1_000;

    /// <summary>Adds a speaker's stream; one owner may have several.</summary>
    public MixSource AddSource(string owner)
    {
        var source = new MixSource(Join(owner));
        _sources.Add(source);
        return source;
    }

    /// <summary>Ends a speaker's stream.</summary>
    public void RemoveSource(MixSource source)
    {
        if (_sources.Remove(source))
        {
            ReleaseVoice(source);
            Part(source.Member);
        }
    }

    /// <summary>Adds one who hears all but its own sources.</summary>
    public MixListener AddListener(string owner, IMixSink sink)
    {
        var listener = new MixListener(Join(owner), sink);
        _listeners.Add(listener);
        return listener;
    }

    /// <summary>Ends one's listening.</summary>
    public void RemoveListener(MixListener listener)
    {
        if (_listeners.Remove(listener))
        {
            Part(listener.Member);
        }
    }

    /// <summary>Mixes what is due; returns when to call again.</summary>
    public long Advance(long now)
    {
        if (_nextTickAt == long.MinValue)
        {
            _nextTickAt = now;
        }
        else if (now - _nextTickAt > MaxLateness)
        {
            // The time that nobody mixed is silence: the frames' time stamps leap over it.
            var missed = (now - _nextTickAt) / FrameTime;
            _nextTickAt += missed * FrameTime;
            _tick += missed;
        }

        for (; _nextTickAt <= now; _nextTickAt += FrameTime)
        {
            Mix(++_tick, ToSamples(_nextTickAt), now);
        }

        return _nextTickAt;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var source in _sources)
        {
            ReleaseVoice(source);
        }

        foreach (var member in _members.Values)
        {
            member.Output?.Dispose();
        }

        foreach (var voice in _freeVoices)
        {
            voice.Dispose();
        }

        foreach (var output in _freeOutputs)
        {
            output.Dispose();
        }

        _freeVoices.Clear();
        _freeOutputs.Clear();
        _sources.Clear();
        _listeners.Clear();
        _members.Clear();
        _shared.Dispose();
    }

    private void Mix(long tick, long clock, long now)
    {
        Frames++;

        // :: Step 1
        Choose(tick, clock);

        // :: Step 2
        _mix.AsSpan().Clear();
        for (var i = 0; i < _chosenCount; i++)
        {
            var source = _chosen[i];
            source.Voice ??= LeaseVoice();
            source.Read(clock);
            source.Member.SoundedTick = tick;
            Samples.Add(_mix, source.Voice.Frame);
            _soundedTick = tick;
        }

        // :: Step 3
        var sounds = tick - _soundedTick <= TailFrames;
        for (var i = _listeners.Count - 1; i >= 0; i--)
        {
            var listener = _listeners[i];
            if ((sounds || _options.FillsSilence || listener.Sink.FillsSilence) && listener.Sink.IsListening)
            {
                var packet = sounds ? Encode(listener.Member, tick) : Opus.Silence;
                listener.Sink.OnMixed(packet, tick * FrameSamples, begins: listener.GivenTick != tick - 1, now);
                listener.GivenTick = tick;
            }
        }

        _mix.CopyTo(_previous, 0);
        Tidy(tick);
    }

    private ReadOnlySpan<byte> Encode(MixMember member, long tick)
    {
        if (tick - member.SoundedTick > SpeakerFrames)
        {
            if (_shared.Tick != tick)
            {
                _shared.Encode(_mix, _previous, tick);
            }

            return _shared.Packet;
        }

        var output = member.Output ??= LeaseOutput();
        if (output.Tick != tick)
        {
            _mix.CopyTo(_withoutSelf, 0);
            for (var i = 0; i < _chosenCount; i++)
            {
                if (_chosen[i].Member == member)
                {
                    Samples.Subtract(_withoutSelf, _chosen[i].Voice!.Frame);
                }
            }

            output.Encode(_withoutSelf, _previous, tick);
        }

        return output.Packet;
    }

    private void Choose(long tick, long clock)
    {
        _chosenCount = 0;
        foreach (var source in _sources)
        {
            if (!source.IsActive)
            {
                continue;
            }

            if (!source.IsDue(clock))
            {
                continue;
            }

            Rank(source, tick);
        }

        for (var i = 0; i < _chosenCount; i++)
        {
            _chosen[i].ChosenTick = tick;
        }

        foreach (var source in _sources)
        {
            if (source.ChosenTick != tick && source.IsActive && source.IsDue(clock))
            {
                source.Discard(clock);
            }
        }
    }

    // Keeps the loudest in order; those of the last frame count as a little louder, lest two change places for ever.
    private void Rank(MixSource source, long tick)
    {
        var loudness = Loudness(source, tick);
        var place = _chosenCount;
        while (place > 0 && Loudness(_chosen[place - 1], tick) < loudness)
        {
            place--;
        }

        if (place == _chosen.Length)
        {
            return;
        }

        var last = Math.Min(_chosenCount, _chosen.Length - 1);
        Array.Copy(_chosen, place, _chosen, place + 1, last - place);
        _chosen[place] = source;
        _chosenCount = last + 1;
    }

    private static int Loudness(MixSource source, long tick) => (source.ChosenTick == tick - 1 ? LevelStep : 0) - source.Level;

    // Codecs go back to the shelf once nobody needs them.
    private void Tidy(long tick)
    {
        foreach (var source in _sources)
        {
            if (source.Voice is not null && tick - source.ChosenTick > SpeakerFrames)
            {
                ReleaseVoice(source);
            }

            if (source.Member.Output is not null && tick - source.Member.SoundedTick > SpeakerFrames)
            {
                ReleaseOutput(source.Member);
            }
        }
    }

    private MixVoice LeaseVoice()
    {
        if (!_freeVoices.TryPop(out var voice))
        {
            return new MixVoice();
        }

        voice.Reset();
        return voice;
    }

    private void ReleaseVoice(MixSource source)
    {
        if (source.Voice is { } voice)
        {
            source.Voice = null;
            _freeVoices.Push(voice);
        }
    }

    private MixOutput LeaseOutput() => _freeOutputs.TryPop(out var output) ? output : new MixOutput(_options);

    private void ReleaseOutput(MixMember member)
    {
        if (member.Output is { } output)
        {
            member.Output = null;
            output.Forget();
            _freeOutputs.Push(output);
        }
    }

    private MixMember Join(string owner)
    {
        if (!_members.TryGetValue(owner, out var member))
        {
            member = new MixMember(owner);
            _members.Add(owner, member);
        }

        member.References++;
        return member;
    }

    private void Part(MixMember member)
    {
        if (--member.References == 0)
        {
            ReleaseOutput(member);
            _members.Remove(member.Owner);
        }
    }
}
