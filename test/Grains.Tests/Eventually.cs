namespace VoiceCluster.Grains.Tests;

/// <summary>Waits for a state with a deadline.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    /// <summary>Polls until the condition holds; fails with the description after the deadline.</summary>
    public static async Task HoldsAsync(Func<Task<bool>> condition, string description)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (!await condition())
        {
            if (deadline.IsCancellationRequested)
            {
                Assert.Fail($"Not within {Deadline}: {description}");
            }

            await Task.Delay(10, CancellationToken.None);
        }
    }

    /// <summary>Polls until the condition holds; fails with the description after the deadline.</summary>
    public static Task HoldsAsync(Func<bool> condition, string description) =>
        HoldsAsync(() => Task.FromResult(condition()), description);
}
