namespace VoiceCluster.Tests;

/// <summary>Counts what the calling thread allocates.</summary>
internal static class Allocations
{
    /// <summary>
    /// Bytes that the thread has allocated so far, to be subtracted from a later <see cref="GC.GetAllocatedBytesForCurrentThread"/>.
    /// A thread takes memory in pieces of 8 kB, and a collection that another thread starts can count the rest of a piece as allocated
    /// (dotnet/coreclr#10207). So a collection takes the piece away first, and who allocates nothing gets no other one.
    /// </summary>
    public static long Begin()
    {
        GC.Collect(0);
        return GC.GetAllocatedBytesForCurrentThread();
    }
}
