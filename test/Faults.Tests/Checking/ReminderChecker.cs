using VoiceCluster.Faults.Grains;

namespace VoiceCluster.Faults.Tests.Checking;

/// <summary>Whether each reminder was told at least once each time that it was due, and before it was due again. It may have been told twice.</summary>
public static class ReminderChecker
{
    /// <summary>What is wrong, with the ticks of that reminder; empty when nothing is.</summary>
    /// <param name="ticks">What the grains were told.</param>
    /// <param name="firsts">When each grain's reminder was due first.</param>
    /// <param name="period">The time between ticks, of all reminders.</param>
    /// <param name="end">Until when it was looked at.</param>
    public static string[] Check(IReadOnlyCollection<Tick> ticks, IReadOnlyDictionary<string, DateTime> firsts, TimeSpan period, DateTime end)
    {
        var violations = new List<string>();
        foreach (var (key, first) in firsts)
        {
            var told = ticks.Where(t => t.Key == key).Select(t => t.At).Order().ToArray();
            for (var due = first; due + period <= end; due += period)
            {
                if (!Array.Exists(told, t => t >= due && t < due + period))
                {
                    violations.Add($"{key}: the tick that was due at {due:T} was never told; told were {string.Join(", ", told.Select(t => $"{t:T}"))}");
                }
            }

            if (Array.Exists(told, t => t < first))
            {
                violations.Add($"{key}: it was told before {first:T}, when it was due first");
            }
        }

        return [.. violations];
    }
}
