using System.Globalization;

namespace VoiceCluster.Bench.Calls;

/// <summary>Processor time of other processes, from proc(5).</summary>
internal static class ProcessorTime
{
    // USER_HZ, which is 100 on every Linux that .NET runs on.
    private const double TicksPerSecond = 100;

    public static TimeSpan Of(int process) => Read(process).Time;

    public static TimeSpan OfChildren(int parent) => Directory.GetDirectories("/proc")
        .Select(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? Read(id) : default)
        .Where(p => p.Parent == parent)
        .Aggregate(TimeSpan.Zero, (sum, p) => sum + p.Time);

    private static (int Parent, TimeSpan Time) Read(int process)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            var ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
            return (int.Parse(fields[1], CultureInfo.InvariantCulture), TimeSpan.FromSeconds(ticks / TicksPerSecond));
        }
        catch (IOException)
        {
            // It has ended in between.
            return default;
        }
    }
}
