using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Relay;

/// <summary>
/// Makes RTP time of a relay client's packets. Frames follow each other without a gap, however unevenly the client stamps
/// them; the client's clock counts where it was silent, because it says so or because the gap is long.
/// </summary>
internal struct RelayTimeline
{
    /// <summary>A gap that the client did not announce counts from 120 ms: below it is the unevenness of a busy client.</summary>
    private const long LeastUnannounced = 120_000;

    /// <summary>Longer gaps, an hour, are a clock that was set.</summary>
    private const long MaxGap = 3_600_000_000;

    private bool _started;
    private uint _sequence;
    private ulong _micros;
    private uint _timestamp;
    private uint _duration;
    private bool _pauses;

    /// <summary>The client has said that it is silent: the next packet's clock counts.</summary>
    public void Pause() => _pauses = true;

    /// <summary>Leaves room for frames that the server itself puts in.</summary>
    public uint Insert(uint samples)
    {
        _timestamp += _duration;
        _micros += _duration * 1_000 / 48;
        _duration = samples;
        return _timestamp;
    }

    /// <summary>The client counts anew: its next packet, of this number, follows what came last.</summary>
    public void Renumber(uint next) => _sequence = next - 1;

    /// <summary>The RTP time of a packet of so many samples; <paramref name="begins"/> when it follows silence.</summary>
    public uint Map(uint sequence, ulong micros, int samples, out bool begins)
    {
        begins = false;
        if (!_started)
        {
            begins = _started = true;
            _pauses = false;
            Note(sequence, micros, unchecked((uint)((long)micros * 48 / 1_000)), samples);
            return _timestamp;
        }

        var ahead = unchecked((int)(sequence - _sequence));
        if (ahead <= 0)
        {
            return unchecked(_timestamp - ((uint)-ahead * _duration));
        }

        var step = (long)ahead * _duration;
        var gap = unchecked((long)(micros - _micros)) - (step * 1_000 / 48);
        if (gap is > 0 and <= MaxGap && gap >= (_pauses ? Mixing.Mixer.FrameTime / 2 : LeastUnannounced))
        {
            begins = true;

            // Whole frames, so that receivers see a clock that ticks in them.
            step += (gap + (Mixing.Mixer.FrameTime / 2)) / Mixing.Mixer.FrameTime * Opus.FrameDuration;
        }

        begins |= _pauses;
        _pauses = false;
        Note(sequence, micros, unchecked(_timestamp + (uint)step), samples);
        return _timestamp;
    }

    private void Note(uint sequence, ulong micros, uint timestamp, int samples)
    {
        _sequence = sequence;
        _micros = micros;
        _timestamp = timestamp;
        _duration = (uint)samples;
    }
}
