using Concentus;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Audio;

/// <summary>
/// The level of a sender that does not tell it (RFC 6464), from its decoded sound. Decodes to 16 kHz, which costs less than
/// the whole band and holds all of a voice.
/// </summary>
internal sealed class OpusLevelMeter : IDisposable
{
    /// <summary>Hz.</summary>
    private const int SampleRate = 16_000;

    /// <summary>µs between two packets that are decoded at least: nobody can make us decode more than 125 a second.</summary>
    private const long MinInterval = 8_000;

    private readonly IOpusDecoder _decoder = OpusCodecFactory.CreateDecoder(SampleRate, 1);
    private readonly float[] _samples = new float[Opus.MaxSamples * SampleRate / Opus.ClockRate];
    private long _lastAt = long.MinValue / 2;
    private long _lastSequence = long.MinValue;

    /// <summary>Measures one packet; false for one that is late, too soon, or not Opus.</summary>
    public bool TryMeasure(long sequence, ReadOnlySpan<byte> payload, long now, out AudioLevel level)
    {
        level = default;
        if (sequence <= _lastSequence || now - _lastAt < MinInterval || !Opus.TryGetSamples(payload, out _))
        {
            return false;
        }

        _lastSequence = sequence;
        _lastAt = now;
        int samples;
        try
        {
            samples = _decoder.Decode(payload, _samples, _samples.Length);
        }
        catch (OpusException)
        {
            return false;
        }

        level = AudioLevel.Of(_samples.AsSpan(0, samples));
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _decoder.Dispose();
}
