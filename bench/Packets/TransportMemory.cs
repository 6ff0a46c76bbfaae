using System.Diagnostics;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Bench.Packets;

/// <summary>What a connected transport keeps: managed memory and OpenSSL's, without sockets and signalling.</summary>
internal static class TransportMemory
{
    private const int Transports = 2_000;

    /// <summary>Connects two thousand and prints what each has added.</summary>
    public static void Print()
    {
        using var wire = new Wire(SrtpProfile.AeadAes128Gcm, 1);
        for (var i = 0; i < 100; i++)
        {
            wire.ConnectAndForgetClient(1_000 + i);
        }

        var (heapBefore, residentBefore) = Read();
        for (var i = 0; i < Transports; i++)
        {
            wire.ConnectAndForgetClient(2_000 + i);
        }

        var (heap, resident) = Read();
        Console.WriteLine($"{Transports:N0} connected transports: {(heap - heapBefore) / Transports / 1024d:0.0} kB of managed memory each, {(resident - residentBefore) / Transports / 1024d:0.0} kB of resident memory each");
    }

    private static (long Heap, long Resident) Read()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        return (GC.GetTotalMemory(forceFullCollection: true), process.WorkingSet64);
    }
}
