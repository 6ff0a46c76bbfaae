using Concentus;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Mixing;

/// <summary>A decoder with the samples that it has made and that are not played yet. Sources take one while they sound.</summary>
internal sealed class MixVoice : IDisposable
{
    private readonly IOpusDecoder _decoder = OpusCodecFactory.CreateDecoder(Opus.ClockRate, 1);
    private readonly float[] _samples = new float[Opus.MaxSamples + (4 * Mixer.FrameSamples)];
    private int _start;

    /// <summary>Samples that wait.</summary>
    public int Count { get; private set; }

    /// <summary>What the source gave to the present frame of the mix.</summary>
    public float[] Frame { get; } = new float[Mixer.FrameSamples];

    /// <summary>As new.</summary>
    public void Reset()
    {
        _decoder.ResetState();
        (_start, Count) = (0, 0);
    }

    /// <summary>Drops what waits.</summary>
    public void Clear() => (_start, Count) = (0, 0);

    /// <summary>Adds silence.</summary>
    public void AddSilence(int samples)
    {
        Room(samples)[..samples].Clear();
        Count += samples;
    }

    /// <summary>Decodes a packet behind what waits, leaving out its first samples; answers how many it had.</summary>
    public int Decode(ReadOnlySpan<byte> payload, int omit)
    {
        var room = Room(Opus.MaxSamples);
        int samples;
        try
        {
            samples = _decoder.Decode(payload, room, Opus.MaxSamples);
        }
        catch (OpusException)
        {
            // The packet's frame is well formed, or it would not be here; what libopus dislikes all the same is a loss.
            return 0;
        }

        omit = Math.Min(omit, samples);
        if (omit > 0)
        {
            room[omit..samples].CopyTo(room);
        }

        Count += samples - omit;
        return samples;
    }

    /// <summary>Recovers so many samples of a lost packet from the one after it, or from what was heard before (LBRR, RFC 6716 §2.1.7).</summary>
    public void Recover(ReadOnlySpan<byte> following, int samples) => Count += Decode(following, samples, decodeFec: !following.IsEmpty);

    /// <summary>Takes samples into a whole frame, faster or slower by a little when they are more or fewer than a frame has.</summary>
    public void Take(int samples, Span<float> frame)
    {
        var source = _samples.AsSpan(_start, Math.Min(samples, Count));
        if (source.Length < samples)
        {
            // The stream ends within this frame.
            var length = Math.Min(source.Length, frame.Length);
            source[..length].CopyTo(frame);
            frame[length..].Clear();
        }
        else if (samples == frame.Length)
        {
            source.CopyTo(frame);
        }
        else
        {
            Resample(source, frame);
        }

        _start += source.Length;
        Count -= source.Length;
    }

    /// <inheritdoc/>
    public void Dispose() => _decoder.Dispose();

    private static void Resample(ReadOnlySpan<float> source, Span<float> frame)
    {
        // Half a percent at most: a twelfth of a semitone, and linear interpolation does for it.
        var step = (double)(source.Length - 1) / (frame.Length - 1);
        for (var i = 0; i < frame.Length; i++)
        {
            var at = i * step;
            var index = Math.Min((int)at, source.Length - 2);
            var fraction = (float)(at - index);
            frame[i] = source[index] + ((source[index + 1] - source[index]) * fraction);
        }
    }

    private int Decode(ReadOnlySpan<byte> payload, int samples, bool decodeFec)
    {
        var room = Room(samples);
        try
        {
            return _decoder.Decode(payload, room, samples, decodeFec);
        }
        catch (OpusException)
        {
            room[..samples].Clear();
            return samples;
        }
    }

    private Span<float> Room(int samples)
    {
        if (_start + Count + samples > _samples.Length)
        {
            _samples.AsSpan(_start, Count).CopyTo(_samples);
            _start = 0;
        }

        return _samples.AsSpan(_start + Count);
    }
}
