using System.Diagnostics;
using VoiceCluster.Bench.Engine.Processes;

namespace VoiceCluster.Bench.Engine.Sections;

/// <summary>From the start of a process to the first answer of a grain in it.</summary>
internal static class Starts
{
    public static async Task RunAsync(string table, int rounds, Report report)
    {
        foreach (var (name, where) in new[] { ("alone", "alone"), ("table in PostgreSQL", table) })
        {
            for (var i = 0; i <= rounds; i++)
            {
                report.Calibrate();
                var watch = Stopwatch.GetTimestamp();
                await using var silo = await Child.StartAsync($"start-{Guid.NewGuid():N}", where, "hello");
                if (i > 0)
                {
                    report.Add($"cold start to the first reply, ms, {name}", Stopwatch.GetElapsedTime(watch).TotalMilliseconds);
                }
            }
        }
    }
}
