using Concentus;

namespace VoiceCluster.Media.Interop.Opus;

/// <summary>libopus's decoder.</summary>
internal sealed unsafe class NativeOpusDecoder : IOpusDecoder
{
    private readonly OpusDecoderHandle _handle;
    private readonly nint _decoder;
    private readonly int _channels;

    public NativeOpusDecoder(int sampleRate, int channels)
    {
        LibOpus.Require();
        int error;
        _decoder = LibOpus.CreateDecoder(sampleRate, channels, &error);
        _handle = new OpusDecoderHandle(_decoder);
        _channels = channels;
        if (error != 0)
        {
            throw new OpusException("No decoder could be made.", error);
        }
    }

    public int Decode(ReadOnlySpan<byte> in_data, Span<float> out_pcm, int frame_size, bool decode_fec = false)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        if (frame_size * _channels > out_pcm.Length)
        {
            throw new ArgumentException("The buffer is too small.", nameof(out_pcm));
        }

        fixed (byte* data = in_data)
        {
            fixed (float* pcm = out_pcm)
            {
                var samples = LibOpus.Decode(_decoder, in_data.IsEmpty ? null : data, in_data.Length, pcm, frame_size, decode_fec ? 1 : 0);
                GC.KeepAlive(this);
                return samples >= 0 ? samples : throw new OpusException("The packet cannot be decoded.", samples);
            }
        }
    }

    public void ResetState()
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        _ = LibOpus.ControlDecoder(_decoder, LibOpus.ResetState);
        GC.KeepAlive(this);
    }

    public void Dispose() => _handle.Dispose();
}
