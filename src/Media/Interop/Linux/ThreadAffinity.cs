using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace VoiceCluster.Media.Interop.Linux;

/// <summary>Ties a thread to one processor (sched_setaffinity(2)).</summary>
public static unsafe class ThreadAffinity
{
    /// <summary>Processors that can be named: the size of glibc's cpu_set_t in bits.</summary>
    public const int MaxProcessors = 1024;

    /// <summary>Ties the calling thread to a processor; the system's error number when it refuses, else 0.</summary>
    /// <param name="processor">Its number, from 0 to <see cref="MaxProcessors"/> - 1.</param>
    [SupportedOSPlatform("linux")]
    public static int Pin(int processor)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(processor);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(processor, MaxProcessors);
        var mask = stackalloc byte[MaxProcessors / 8];
        new Span<byte>(mask, MaxProcessors / 8).Clear();
        mask[processor / 8] = (byte)(1 << (processor % 8));
        return LibC.SchedSetAffinity(0, MaxProcessors / 8, mask) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}
