namespace VoiceCluster.Media.Mixing;

/// <summary>
/// Keeps a mix below full scale: the gain falls within 2.5 ms when the sum is too loud and comes back by half a decibel a
/// frame; what is still too loud meanwhile is bent, not cut. A mix that is not too loud passes bit for bit.
/// </summary>
internal sealed class Limiter
{
    /// <summary>The loudest sample that passes unbent: −1.4 dBFS, since Opus may come out a little louder than it went in.</summary>
    public const float Ceiling = 0.85f;

    /// <summary>How far above the ceiling a bent sample may lie.</summary>
    private const float Knee = 0.1f;

    /// <summary>Samples of falling gain: 2.5 ms.</summary>
    private const int Attack = 120;

    /// <summary>Gain that comes back each frame: 0.5 dB.</summary>
    private const float Release = 1.0593f;

    private float _gain = 1;

    /// <summary>Limits one frame in place.</summary>
    public void Apply(Span<float> frame)
    {
        var peak = Samples.Peak(frame);
        var allowed = peak > Ceiling ? Ceiling / peak : 1;
        if (_gain == 1 && allowed == 1)
        {
            return;
        }

        var falls = allowed < _gain;
        var target = falls ? allowed : Math.Min(allowed, _gain * Release);
        var ramp = falls ? Math.Min(Attack, frame.Length) : frame.Length;
        var step = (target - _gain) / ramp;
        for (var i = 0; i < frame.Length; i++)
        {
            if (i < ramp)
            {
                _gain += step;
            }

            frame[i] = Bend(frame[i] * _gain);
        }

        _gain = target;
    }

    /// <summary>As new.</summary>
    public void Reset() => _gain = 1;

    private static float Bend(float sample)
    {
        var magnitude = Math.Abs(sample);
        return magnitude <= Ceiling ? sample : MathF.CopySign(Ceiling + (Knee * MathF.Tanh((magnitude - Ceiling) / Knee)), sample);
    }
}
