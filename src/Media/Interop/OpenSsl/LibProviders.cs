using System.Runtime.InteropServices;

namespace VoiceCluster.Media.Interop.OpenSsl;

/// <summary>Library contexts and providers of libcrypto (OSSL_LIB_CTX(3), OSSL_PROVIDER(3), provider-base(7)). Names and numbers are OpenSSL's.</summary>
internal static unsafe partial class LibProviders
{
    public const int OperationDigest = 1;
    public const int OperationCipher = 2;
    public const int OperationMac = 3;
    public const int OperationKdf = 4;
    public const int OperationRand = 5;
    public const int OperationKeyManagement = 10;
    public const int OperationKeyExchange = 11;
    public const int OperationSignature = 12;
    public const int OperationDecoder = 21;

    public const int FunctionQueryOperation = 1027;
    public const int FunctionGetCapabilities = 1030;

    static LibProviders() => OpenSslLibraries.Register();

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial CULong OpenSSL_version_num();

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial int EVP_default_properties_is_fips_enabled(nint library);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial nint OSSL_LIB_CTX_new();

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial void OSSL_LIB_CTX_free(nint library);

    [LibraryImport(OpenSslLibraries.Crypto3, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int OSSL_PROVIDER_available(nint library, string name);

    [LibraryImport(OpenSslLibraries.Crypto3, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int OSSL_PROVIDER_add_builtin(nint library, string name, delegate* unmanaged[Cdecl]<nint, Dispatch*, Dispatch**, nint*, int> initialize);

    [LibraryImport(OpenSslLibraries.Crypto3, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint OSSL_PROVIDER_load(nint library, string name);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial nint OSSL_PROVIDER_get0_provider_ctx(nint provider);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial Algorithm* OSSL_PROVIDER_query_operation(nint provider, int operation, int* noCache);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial int OSSL_PROVIDER_get_capabilities(nint provider, byte* capability, nint callback, nint argument);

    /// <summary>OSSL_DISPATCH of openssl/core.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Dispatch
    {
        public int Function;
        public void* Pointer;
    }

    /// <summary>OSSL_ALGORITHM of openssl/core.h: names separated by colons, properties, functions, a description.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Algorithm
    {
        public byte* Names;
        public byte* Properties;
        public Dispatch* Implementation;
        public byte* Description;
    }
}
