using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace VoiceCluster.Media.Interop.OpenSsl;

/// <summary>
/// Finds OpenSSL 3 under the names that systems give it. .NET uses the same library on Linux, so nothing new is needed there.
/// The names imported by <see cref="LibSsl"/> exist nowhere on disk: they reach the handler here instead of a stray development link.
/// </summary>
internal static class OpenSslLibraries
{
    public const string Ssl = "voicecluster-libssl";

    public const string Crypto3 = "voicecluster-libcrypto";

    private static readonly string[] SslNames = ["libssl.so.3", "libssl.3.dylib", "libssl-3-x64.dll", "libssl-3-arm64.dll", "libssl-3.dll", "libssl.so.4", "libssl3"];

    private static readonly string[] CryptoNames = ["libcrypto.so.3", "libcrypto.3.dylib", "libcrypto-3-x64.dll", "libcrypto-3-arm64.dll", "libcrypto-3.dll", "libcrypto.so.4", "libcrypto3"];

    private static readonly Lazy<nint> SslHandle = new(() => Load(SslNames));

    private static readonly Lazy<nint> CryptoHandle = new(() => Load(CryptoNames));

    static OpenSslLibraries()
    {
        // An event takes several handlers, where NativeLibrary.SetDllImportResolver takes one an assembly.
        var context = AssemblyLoadContext.GetLoadContext(typeof(OpenSslLibraries).Assembly) ?? AssemblyLoadContext.Default;
        context.ResolvingUnmanagedDll += static (_, name) => name switch
        {
            Ssl => SslHandle.Value,
            Crypto3 => CryptoHandle.Value,
            _ => 0,
        };
    }

    public static nint Crypto => CryptoHandle.Value;

    /// <summary>Runs the static constructor, if it has not run.</summary>
    public static void Register()
    {
        _ = SslNames;
    }

    private static nint Load(string[] names)
    {
        foreach (var name in names)
        {
            if (NativeLibrary.TryLoad(name, out var handle))
            {
                return handle;
            }
        }

        throw new DllNotFoundException($"OpenSSL 3 is needed; none of {string.Join(", ", names)} could be loaded.");
    }
}
