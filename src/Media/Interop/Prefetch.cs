using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace VoiceCluster.Media.Interop;

/// <summary>
/// Tells the processor what will be read soon. A packet for one of a thousand receivers touches some forty lines of memory that were last
/// touched a thousand packets ago; waiting for them one after another costs more than everything that is done with them.
/// A hint only: an object that moves meanwhile, or a processor without the instruction, costs nothing but the time.
/// </summary>
internal static unsafe class Prefetch
{
    private const int Line = 64;

    /// <summary>The first bytes of an object; null is allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Object(object? target, int bytes = Line)
    {
        if (Sse.IsSupported)
        {
            Memory((nint)Unsafe.As<object?, nint>(ref target), bytes);
        }
    }

    /// <summary>Bytes from an address on, which need not be ours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Memory(nint address, int bytes)
    {
        if (Sse.IsSupported)
        {
            for (var i = 0; i < bytes; i += Line)
            {
                Sse.Prefetch0((byte*)address + i);
            }
        }
    }

    /// <summary>The place of one element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Element<T>(T[] array, int index)
    {
        if (Sse.IsSupported)
        {
            // The array itself is not read: its length may not be there yet.
            Memory(Unsafe.As<T[], nint>(ref array) + (2 * sizeof(nint)) + ((nint)index * Unsafe.SizeOf<T>()), 1);
        }
    }
}
