using Concentus;
using Concentus.Enums;

namespace VoiceCluster.Media.Interop.Opus;

/// <summary>libopus's encoder. Settings are kept here as well, because they are asked for seldom.</summary>
internal sealed unsafe class NativeOpusEncoder : IOpusEncoder
{
    private readonly OpusEncoderHandle _handle;
    private readonly nint _encoder;
    private readonly int _channels;

    public NativeOpusEncoder(int sampleRate, int channels, OpusApplication application)
    {
        LibOpus.Require();
        int error;
        _encoder = LibOpus.CreateEncoder(sampleRate, channels, (int)application, &error);
        _handle = new OpusEncoderHandle(_encoder);
        _channels = channels;
        if (error != 0)
        {
            throw new OpusException("No encoder could be made.", error);
        }
    }

    public int Bitrate
    {
        get;
        set => field = Control(LibOpus.SetBitrate, value);
    }

    public int Complexity
    {
        get;
        set => field = Control(LibOpus.SetComplexity, value);
    }

    public bool UseInbandFEC
    {
        get;
        set => field = Control(LibOpus.SetInbandFec, value ? 1 : 0) != 0;
    }

    public int PacketLossPercent
    {
        get;
        set => field = Control(LibOpus.SetPacketLossPercent, value);
    }

    public bool UseDTX
    {
        get;
        set => field = Control(LibOpus.SetDtx, value ? 1 : 0) != 0;
    }

    public bool UseVBR
    {
        get;
        set => field = Control(LibOpus.SetVbr, value ? 1 : 0) != 0;
    }

    public OpusSignal SignalType
    {
        get;
        set => field = (OpusSignal)Control(LibOpus.SetSignal, (int)value);
    }

    public int Encode(ReadOnlySpan<float> in_pcm, int frame_size, Span<byte> out_data, int max_data_bytes)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        if (frame_size * _channels > in_pcm.Length || max_data_bytes > out_data.Length)
        {
            throw new ArgumentException("The buffer is too small.", nameof(in_pcm));
        }

        fixed (float* pcm = in_pcm)
        {
            fixed (byte* data = out_data)
            {
                var length = LibOpus.Encode(_encoder, pcm, frame_size, data, max_data_bytes);
                GC.KeepAlive(this);
                return length >= 0 ? length : throw new OpusException("The frame cannot be encoded.", length);
            }
        }
    }

    public void ResetState() => Control(LibOpus.ResetState, 0);

    public void Dispose() => _handle.Dispose();

    private int Control(int request, int value)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        var error = LibOpus.ControlEncoder(_encoder, request, value);
        GC.KeepAlive(this);
        return error == 0 ? value : throw new OpusException($"The encoder refuses {value} for {request}.", error);
    }
}
