using Concentus;
using Concentus.Enums;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Mixing;

/// <summary>One encoded mix: the one that all silent listeners share, or that of one who speaks.</summary>
internal sealed class MixOutput : IDisposable
{
    private readonly IOpusEncoder _encoder = OpusCodecFactory.CreateEncoder(Opus.ClockRate, 1, OpusApplication.OPUS_APPLICATION_AUDIO);
    private readonly Limiter _limiter = new();
    private readonly float[] _limited = new float[Mixer.FrameSamples];
    private readonly byte[] _packet = new byte[Opus.MaxFrameLength + 1];
    private int _length;

    public MixOutput(MixerOptions options)
    {
        _encoder.Bitrate = options.Bitrate;
        _encoder.Complexity = options.Complexity;
        _encoder.UseVBR = true;
    }

    /// <summary>The frame encoded last.</summary>
    public long Tick { get; private set; } = long.MinValue / 2;

    /// <summary>The last frame's bytes.</summary>
    public ReadOnlySpan<byte> Packet => _packet.AsSpan(0, _length);

    /// <summary>
    /// Encodes one frame. When the one before was encoded elsewhere or nowhere, the encoder hears it first, so that it
    /// begins where the receivers' decoders are.
    /// </summary>
    public void Encode(ReadOnlySpan<float> mix, ReadOnlySpan<float> previous, long tick)
    {
        if (Tick != tick - 1)
        {
            _encoder.ResetState();
            _limiter.Reset();
            Encode(previous);
        }

        Encode(mix);
        Tick = tick;
    }

    /// <summary>The next frame is another listener's.</summary>
    public void Forget() => Tick = long.MinValue / 2;

    /// <inheritdoc/>
    public void Dispose() => _encoder.Dispose();

    private void Encode(ReadOnlySpan<float> mix)
    {
        mix.CopyTo(_limited);
        _limiter.Apply(_limited);
        _length = _encoder.Encode(_limited, Mixer.FrameSamples, _packet, _packet.Length);
    }
}
