using System.Diagnostics;

namespace VoiceCluster.Clustering.Tests;

/// <summary>Waits for a state with a deadline.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Tries until it does not throw; answers what it gives.</summary>
    public static async Task<T> SucceedsAsync<T>(Func<Task<T>> attempt)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await attempt();
            }
            catch (Exception) when (Stopwatch.GetElapsedTime(started) < Deadline)
            {
                await Task.Delay(20);
            }
        }
    }

    /// <summary>Waits no longer than the deadline for an end, whichever it is.</summary>
    public static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(Deadline);

    /// <summary>Waits no longer than the deadline for an end, whichever it is.</summary>
    public static Task InTime(this Task task) => task.WaitAsync(Deadline);
}
