using Concentus.Enums;

// The names and shapes of the package Concentus 2, so that a build with OfficialPackages=true takes it instead of this folder.
namespace Concentus
{
    /// <summary>Makes codecs. Throws <see cref="DllNotFoundException"/> when the system has no libopus.</summary>
    internal static class OpusCodecFactory
    {
        /// <summary>An encoder for 8, 12, 16, 24 or 48 kHz and one or two channels.</summary>
        public static IOpusEncoder CreateEncoder(int sampleRate, int numChannels, OpusApplication application = OpusApplication.OPUS_APPLICATION_AUDIO) =>
            new VoiceCluster.Media.Interop.Opus.NativeOpusEncoder(sampleRate, numChannels, application);

        /// <summary>A decoder to 8, 12, 16, 24 or 48 kHz and one or two channels, whatever was encoded.</summary>
        public static IOpusDecoder CreateDecoder(int sampleRate, int numChannels) =>
            new VoiceCluster.Media.Interop.Opus.NativeOpusDecoder(sampleRate, numChannels);
    }

    /// <summary>One stream's decoder; one thread at a time.</summary>
    internal interface IOpusDecoder : IDisposable
    {
        /// <summary>
        /// Decodes a packet; an empty one conceals a loss. For that and with <paramref name="decode_fec"/>, frame_size is
        /// the missing duration, a multiple of 2.5 ms. Answers samples a channel.
        /// </summary>
        int Decode(ReadOnlySpan<byte> in_data, Span<float> out_pcm, int frame_size, bool decode_fec = false);

        /// <summary>As new.</summary>
        void ResetState();
    }

    /// <summary>One stream's encoder; one thread at a time.</summary>
    internal interface IOpusEncoder : IDisposable
    {
        /// <summary>Bits a second.</summary>
        int Bitrate { get; set; }

        /// <summary>0 to 10.</summary>
        int Complexity { get; set; }

        /// <summary>Whether packets carry a copy of the one before (LBRR), where the mode can.</summary>
        bool UseInbandFEC { get; set; }

        /// <summary>The loss that the encoder prepares for.</summary>
        int PacketLossPercent { get; set; }

        /// <summary>Whether silence becomes packets of one byte.</summary>
        bool UseDTX { get; set; }

        /// <summary>Whether packets may differ in size.</summary>
        bool UseVBR { get; set; }

        /// <summary>A hint.</summary>
        OpusSignal SignalType { get; set; }

        /// <summary>Encodes frame_size samples a channel; answers the bytes written.</summary>
        int Encode(ReadOnlySpan<float> in_pcm, int frame_size, Span<byte> out_data, int max_data_bytes);

        /// <summary>As new.</summary>
        void ResetState();
    }

    /// <summary>libopus refused.</summary>
    internal sealed class OpusException(string message, int error) : Exception($"{message} ({error})")
    {
        /// <summary>The code of opus_defines.h.</summary>
        public int OpusErrorCode => error;
    }
}

namespace Concentus.Enums
{
    /// <summary>What the encoder is tuned for (opus_defines.h).</summary>
    internal enum OpusApplication
    {
        OPUS_APPLICATION_VOIP = 2048,
        OPUS_APPLICATION_AUDIO = 2049,
        OPUS_APPLICATION_RESTRICTED_LOWDELAY = 2051,
    }

    /// <summary>What the sound is (opus_defines.h).</summary>
    internal enum OpusSignal
    {
        OPUS_SIGNAL_AUTO = -1000,
        OPUS_SIGNAL_VOICE = 3001,
        OPUS_SIGNAL_MUSIC = 3002,
    }
}
