using System.Runtime;

namespace VoiceCluster.Bench.Engine.Grains;

/// <summary>
/// What keeps a process from its work: garbage collections, the time for which they stop it, threads that give way to others, and the
/// time that the just-in-time compiler takes.
/// </summary>
[GenerateSerializer, Immutable, Alias("bench.Pauses")]
public sealed record Pauses(
    [property: Id(0)] long Collections,
    [property: Id(1)] double CollectionMs,
    [property: Id(2)] long Switches,
    [property: Id(3)] double CompilerMs)
{
    /// <summary>Those of this process since its start; of its threads, those that live.</summary>
    public static Pauses OfThisProcess() => new(
        GC.CollectionCount(0), GC.GetTotalPauseDuration().TotalMilliseconds, CountSwitches(), JitInfo.GetCompilationTime().TotalMilliseconds);

    public static Pauses operator +(Pauses a, Pauses b) =>
        new(a.Collections + b.Collections, a.CollectionMs + b.CollectionMs, a.Switches + b.Switches, a.CompilerMs + b.CompilerMs);

    public static Pauses operator -(Pauses a, Pauses b) =>
        new(a.Collections - b.Collections, a.CollectionMs - b.CollectionMs, a.Switches - b.Switches, a.CompilerMs - b.CompilerMs);

    private static long CountSwitches()
    {
        long switches = 0;
        foreach (var thread in Directory.GetDirectories("/proc/self/task"))
        {
            try
            {
                // voluntary_ctxt_switches and nonvoluntary_ctxt_switches, proc(5).
                switches += File.ReadLines($"{thread}/status").Where(l => l.Contains("ctxt_switches:", StringComparison.Ordinal)).Sum(l => long.Parse(l[(l.IndexOf(':') + 1)..]));
            }
            catch (IOException)
            {
                // The thread has just ended.
            }
        }

        return switches;
    }
}
