using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Mixing;

/// <summary>
/// One speaker's stream on its way into a mix: packets wait in the jitter buffer until they are due, then become samples.
/// Losses are recovered from the next packet or concealed; when the buffer runs dry time is stretched, when it is too full
/// time is pressed, by half a percent, so that the speaker's clock may differ from ours.
/// </summary>
public sealed class MixSource
{
    /// <summary>Samples concealed in a row before the source counts as silent: 100 ms, after which libopus fades anyway.</summary>
    private const int MaxConcealed = 4_800;

    /// <summary>A hole in time longer than this is a pause of the speaker, not loss: 120 ms.</summary>
    private const int MaxHole = Opus.MaxSamples;

    /// <summary>Deviation from the wanted delay at which time is bent: 15 ms, and where that ends.</summary>
    private const int BendFrom = 720;
    private const int BendTo = 120;

    /// <summary>Samples more or fewer a frame while time is bent: 0.5 %.</summary>
    private const int BendStep = 5;

    /// <summary>Deviation at which samples are left out at once: 80 ms.</summary>
    private const int MaxLag = 3_840;

    /// <summary>A time stamp further from the last than 10 s is a new stream's.</summary>
    private const int MaxLeap = 480_000;

    /// <summary>Samples by which concealment goes on; a multiple of 2.5 ms (RFC 6716 §2).</summary>
    private const int Grain = 120;

    private readonly JitterBuffer _buffer = new();
    private readonly PlayoutDelay _delay = new();
    private long _timestamp;
    private bool _hasTimestamp;
    private long _next;
    private long _position;
    private int _concealed;
    private int _bend;
    private State _state;

    internal MixSource(MixMember member) => Member = member;

    private enum State
    {
        /// <summary>Nothing to play.</summary>
        Idle = 0,

        /// <summary>The packet at the head is not due yet.</summary>
        Waiting,

        /// <summary>Samples flow.</summary>
        Playing,
    }

    /// <summary>The participant whose voice it is; it never hears itself.</summary>
    public string Owner => Member.Owner;

    /// <summary>Loudness in −dBov, 0 to 127 (RFC 6464 §3): decides who is in the mix when more sound than it takes.</summary>
    public int Level { get; set; }

    /// <summary>Packets that came too late to be played.</summary>
    public long LatePackets { get; private set; }

    /// <summary>Samples made up in place of lost ones.</summary>
    public long ConcealedSamples { get; private set; }

    internal MixMember Member { get; }

    /// <summary>Held while the source sounds.</summary>
    internal MixVoice? Voice { get; set; }

    /// <summary>The frame of the mix for which it was chosen last.</summary>
    internal long ChosenTick { get; set; } = -1;

    internal bool IsActive => _state != State.Idle;

    /// <summary>
    /// Takes one packet. <paramref name="sequence"/> is the widened sequence number, the time stamp RTP's at 48 kHz,
    /// <paramref name="now"/> microseconds. False for a payload that is not Opus, or comes too late.
    /// </summary>
    public bool Push(long sequence, uint timestamp, ReadOnlySpan<byte> payload, long now)
    {
        if (!Opus.TryGetSamples(payload, out var samples))
        {
            return false;
        }

        var leap = (int)(timestamp - (uint)_timestamp);
        if (!_hasTimestamp || Math.Abs((long)leap) > MaxLeap)
        {
            Silence();
            _delay.Reset();
            _hasTimestamp = true;
            _timestamp = timestamp;
            leap = 0;
        }

        var extended = _timestamp + leap;
        _timestamp = Math.Max(_timestamp, extended);
        _delay.OnPacket(extended, Mixer.ToSamples(now));
        if (_state == State.Playing && extended + samples <= _position - (Voice?.Count ?? 0))
        {
            LatePackets++;
            return false;
        }

        if (!_buffer.TryStore(sequence, extended, samples, payload))
        {
            return false;
        }

        if (_state == State.Idle || (_state == State.Waiting && sequence < _next))
        {
            (_state, _next, _position) = (State.Waiting, sequence, extended);
            _concealed = 0;
        }

        return true;
    }

    /// <summary>Drops what waits: the speaker was muted, or its stream begins anew.</summary>
    public void Silence()
    {
        _buffer.Clear();
        _state = State.Idle;
        _hasTimestamp = false;
        Voice?.Clear();
    }

    /// <summary>Lets time pass without playing, because louder speakers have the mix.</summary>
    internal void Discard(long clock)
    {
        Voice?.Clear();
        SkipTo(clock - _delay.BestTransit - _delay.Target);
        if (_state == State.Playing)
        {
            _state = State.Waiting;
        }
    }

    /// <summary>True when <see cref="Read"/> would give sound for the frame that begins at <paramref name="clock"/>.</summary>
    internal bool IsDue(long clock) =>
        _state == State.Playing || (_state == State.Waiting && _position - (clock - _delay.BestTransit - _delay.Target) < Mixer.FrameSamples);

    /// <summary>Plays one frame into the voice's <see cref="MixVoice.Frame"/>. Only when due and with a voice.</summary>
    internal void Read(long clock)
    {
        var voice = Voice!;
        var wanted = clock - _delay.BestTransit - _delay.Target;
        if (_state == State.Waiting)
        {
            // It begins in the middle of a frame, where it is due, so that it starts with the right delay.
            voice.Clear();
            voice.AddSilence((int)Math.Clamp(_position - wanted, 0, Mixer.FrameSamples));
            _state = State.Playing;
            _concealed = 0;
        }

        var lag = wanted - (_position - voice.Count);
        if (lag > MaxLag)
        {
            voice.Clear();
            SkipTo(wanted);
            lag = 0;
        }

        var take = Mixer.FrameSamples + Bend(lag);
        while (voice.Count < take && _state == State.Playing)
        {
            DecodeNext(voice, lag);
        }

        voice.Take(take, voice.Frame);
    }

    private int Bend(long lag)
    {
        if (Math.Sign(lag) * _bend < 0 || Math.Abs(lag) < BendTo)
        {
            _bend = 0;
        }

        if (_bend == 0 && Math.Abs(lag) > BendFrom)
        {
            _bend = Math.Sign(lag) * BendStep;
        }

        return _bend;
    }

    // One packet, or one piece of what is missing before it.
    private void DecodeNext(MixVoice voice, long lag)
    {
        if (!_buffer.TryGetFrom(_next, out var packet))
        {
            // Nothing is there: wait with it when the delay is to grow anyway, else count it as lost.
            if (_concealed >= MaxConcealed)
            {
                _state = State.Idle;
                return;
            }

            Conceal(voice, [], Mixer.FrameSamples);
            _position += lag < 0 ? 0 : Mixer.FrameSamples;
            return;
        }

        var hole = packet.Timestamp - _position;
        if (hole > MaxHole)
        {
            (_state, _next, _position) = (State.Waiting, packet.Sequence, packet.Timestamp);
            return;
        }

        if (hole >= Grain)
        {
            // The packet after a hole may carry a copy of the one before it, and only of that one.
            var isLast = hole < packet.Samples + Grain;
            var piece = isLast ? hole : Math.Min(hole - packet.Samples, Mixer.FrameSamples);
            piece -= piece % Grain;
            Conceal(voice, isLast && packet.Sequence > _next ? packet.Payload : [], (int)piece);
            _position += piece;
            return;
        }

        // What was concealed while it was awaited is not played twice, but the decoder hears it.
        var samples = voice.Decode(packet.Payload, (int)Math.Max(0, -hole));
        _concealed = samples == 0 ? _concealed : 0;
        _position = Math.Max(_position, packet.Timestamp + Math.Max(samples, packet.Samples));
        _next = packet.Sequence + 1;
        _buffer.RemoveTo(packet.Sequence);
    }

    private void Conceal(MixVoice voice, ReadOnlySpan<byte> following, int samples)
    {
        voice.Recover(following, samples);
        _concealed += samples;
        ConcealedSamples += samples;
    }

    private void SkipTo(long wanted)
    {
        while (_buffer.TryGetFrom(_next, out var packet))
        {
            if (packet.Timestamp + packet.Samples > wanted)
            {
                if (packet.Timestamp > _position)
                {
                    (_next, _position) = (packet.Sequence, packet.Timestamp);
                }

                return;
            }

            _next = packet.Sequence + 1;
            _position = packet.Timestamp + packet.Samples;
            _buffer.RemoveTo(packet.Sequence);
        }

        _state = State.Idle;
    }
}
