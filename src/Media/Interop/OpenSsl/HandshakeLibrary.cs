using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace VoiceCluster.Media.Interop.OpenSsl;

/// <summary>
/// A library context of OpenSSL 3.0 and 3.1 that has only the algorithms which a DTLS 1.2 handshake can use. Those versions look
/// for the decoder of a peer's certificate in each handshake, by going through all algorithms that there are and all their
/// names: a quarter of its cost. From 3.2 on OpenSSL remembers what it found, and its own context serves.
/// The algorithms are those of OpenSSL's default provider; a provider of ours hands on a part of its lists.
/// </summary>
internal static unsafe class HandshakeLibrary
{
    /// <summary>The first version that remembers decoders, 3.2, as OPENSSL_VERSION_NUMBER.</summary>
    private const ulong FirstThatRemembers = 0x3020_0000;

    /// <summary>OSSL_OP__HIGHEST is 22 in 3.0.</summary>
    private const int Operations = 32;

    /// <summary>What is kept of each operation. Certificates can be EC, RSA or Edwards; SHA-1 names certificates inside OpenSSL.</summary>
    private static readonly Dictionary<int, string[]> Kept = new()
    {
        [LibProviders.OperationDigest] = ["SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512"],
        [LibProviders.OperationCipher] = ["AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"],
        [LibProviders.OperationMac] = ["HMAC"],
        [LibProviders.OperationKdf] = ["TLS1-PRF"],
        [LibProviders.OperationRand] = ["CTR-DRBG", "SEED-SRC"],
        [LibProviders.OperationKeyManagement] = ["EC", "X25519", "RSA", "RSA-PSS", "ED25519", "ED448"],
        [LibProviders.OperationKeyExchange] = ["ECDH", "X25519"],
        [LibProviders.OperationSignature] = ["ECDSA", "RSA", "ED25519", "ED448"],
        [LibProviders.OperationDecoder] = ["EC", "RSA", "RSA-PSS", "ED25519", "ED448"],
    };

    /// <summary>The kept algorithms of each operation, ended by an empty one, in memory that stays; null for none.</summary>
    private static readonly LibProviders.Algorithm*[] Lists = new LibProviders.Algorithm*[Operations];

    private static readonly Lazy<nint> Library = new(Open);

    private static LibProviders.Dispatch* _functions;
    private static nint _origin;

    /// <summary>The context for SSL_CTX_new_ex; 0, OpenSSL's own, where this one brings nothing or cannot be.</summary>
    public static nint Context => Library.Value;

    private static nint Open()
    {
        // A system that is set to other algorithms than the default provider's, FIPS above all, keeps its setting.
        if (LibProviders.OpenSSL_version_num().Value >= FirstThatRemembers
            || LibProviders.EVP_default_properties_is_fips_enabled(0) != 0
            || LibProviders.OSSL_PROVIDER_available(0, "default") == 0)
        {
            return 0;
        }

        // The origin lives in a context of its own too, so that nothing changes for others in this process. Both stay until the end.
        var source = LibProviders.OSSL_LIB_CTX_new();
        var library = LibProviders.OSSL_LIB_CTX_new();
        if (source != 0 && library != 0 && (_origin = LibProviders.OSSL_PROVIDER_load(source, "default")) != 0)
        {
            FillLists();
            if (LibProviders.OSSL_PROVIDER_add_builtin(library, "voicecluster", &Initialize) == 1
                && LibProviders.OSSL_PROVIDER_load(library, "voicecluster") != 0)
            {
                return library;
            }
        }

        LibProviders.OSSL_LIB_CTX_free(library);
        LibProviders.OSSL_LIB_CTX_free(source);
        _ = LibSsl.TakeError();
        return 0;
    }

    private static void FillLists()
    {
        foreach (var (operation, names) in Kept)
        {
            int noCache;
            var all = LibProviders.OSSL_PROVIDER_query_operation(_origin, operation, &noCache);
            var count = 0;
            while (all is not null && all[count].Names is not null)
            {
                count++;
            }

            var list = (LibProviders.Algorithm*)NativeMemory.AllocZeroed((nuint)count + 1, (nuint)sizeof(LibProviders.Algorithm));
            var kept = 0;
            for (var i = 0; i < count; i++)
            {
                if (IsKept(operation, names, all[i]))
                {
                    list[kept++] = all[i];
                }
            }

            Lists[operation] = list;
        }

        _functions = (LibProviders.Dispatch*)NativeMemory.AllocZeroed(3, (nuint)sizeof(LibProviders.Dispatch));
        _functions[0] = new LibProviders.Dispatch
        {
            Function = LibProviders.FunctionQueryOperation,
            Pointer = (delegate* unmanaged[Cdecl]<nint, int, int*, LibProviders.Algorithm*>)&QueryOperation,
        };
        _functions[1] = new LibProviders.Dispatch
        {
            Function = LibProviders.FunctionGetCapabilities,
            Pointer = (delegate* unmanaged[Cdecl]<nint, byte*, nint, nint, int>)&GetCapabilities,
        };
    }

    private static bool IsKept(int operation, string[] names, in LibProviders.Algorithm algorithm)
    {
        var all = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(algorithm.Names);
        var end = all.IndexOf((byte)':');
        if (!names.Contains(Encoding.ASCII.GetString(end < 0 ? all : all[..end])))
        {
            return false;
        }

        if (operation != LibProviders.OperationDecoder)
        {
            return true;
        }

        // Peers' keys come in certificates; our own comes as an ECPrivateKey, which is specific to its type.
        var properties = Encoding.ASCII.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(algorithm.Properties));
        return properties.Contains("input=der", StringComparison.Ordinal)
            && (properties.Contains("structure=SubjectPublicKeyInfo", StringComparison.Ordinal)
                || (properties.Contains("structure=type-specific", StringComparison.Ordinal) && names[0] == Encoding.ASCII.GetString(all)));
    }

    /// <summary>OSSL_provider_init: the algorithms run with the origin's own context, since they are its own.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Initialize(nint handle, LibProviders.Dispatch* given, LibProviders.Dispatch** functions, nint* context)
    {
        *functions = _functions;
        *context = LibProviders.OSSL_PROVIDER_get0_provider_ctx(_origin);
        return 1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static LibProviders.Algorithm* QueryOperation(nint context, int operation, int* noCache)
    {
        *noCache = 0;
        return (uint)operation < Operations ? Lists[operation] : null;
    }

    /// <summary>The groups that TLS can have; those without their key management here are left out by OpenSSL.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetCapabilities(nint context, byte* capability, nint callback, nint argument) =>
        LibProviders.OSSL_PROVIDER_get_capabilities(_origin, capability, callback, argument);
}
