using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace VoiceCluster.Media.Interop.Opus;

/// <summary>
/// The functions of libopus 1.x. The name imported exists nowhere on disk: it reaches the handler here, which knows the
/// names that systems give the library. The control functions are variadic in C; Linux and Windows pass their one
/// argument as an ordinary function's.
/// </summary>
internal static unsafe partial class LibOpus
{
    public const int SetBitrate = 4002;
    public const int SetVbr = 4006;
    public const int SetComplexity = 4010;
    public const int SetInbandFec = 4012;
    public const int SetPacketLossPercent = 4014;
    public const int SetDtx = 4016;
    public const int SetSignal = 4024;
    public const int ResetState = 4028;

    private const string Library = "voicecluster-libopus";

    private static readonly string[] Names = ["libopus.so.0", "libopus.0.dylib", "opus.dll", "libopus-0.dll", "libopus"];

    private static readonly Lazy<nint> Handle = new(Load);

    static LibOpus()
    {
        var context = AssemblyLoadContext.GetLoadContext(typeof(LibOpus).Assembly) ?? AssemblyLoadContext.Default;
        context.ResolvingUnmanagedDll += static (_, name) => name == Library ? Handle.Value : 0;
    }

    /// <summary>Throws <see cref="DllNotFoundException"/> when the system has no libopus.</summary>
    public static void Require()
    {
        if (Handle.Value == 0)
        {
            throw new DllNotFoundException($"libopus is needed; none of {string.Join(", ", Names)} could be loaded.");
        }
    }

    [LibraryImport(Library, EntryPoint = "opus_decoder_create")]
    public static partial nint CreateDecoder(int sampleRate, int channels, int* error);

    [LibraryImport(Library, EntryPoint = "opus_decoder_destroy")]
    public static partial void DestroyDecoder(nint decoder);

    [LibraryImport(Library, EntryPoint = "opus_decode_float")]
    public static partial int Decode(nint decoder, byte* data, int length, float* pcm, int frameSize, int decodeFec);

    [LibraryImport(Library, EntryPoint = "opus_decoder_ctl")]
    public static partial int ControlDecoder(nint decoder, int request);

    [LibraryImport(Library, EntryPoint = "opus_encoder_create")]
    public static partial nint CreateEncoder(int sampleRate, int channels, int application, int* error);

    [LibraryImport(Library, EntryPoint = "opus_encoder_destroy")]
    public static partial void DestroyEncoder(nint encoder);

    [LibraryImport(Library, EntryPoint = "opus_encode_float")]
    public static partial int Encode(nint encoder, float* pcm, int frameSize, byte* data, int maxLength);

    [LibraryImport(Library, EntryPoint = "opus_encoder_ctl")]
    public static partial int ControlEncoder(nint encoder, int request, int value);

    private static nint Load()
    {
        foreach (var name in Names)
        {
            if (NativeLibrary.TryLoad(name, out var handle))
            {
                return handle;
            }
        }

        return 0;
    }
}
