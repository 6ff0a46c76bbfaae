namespace VoiceCluster.Hosts.Tests.Clients;

/// <summary>Waits for a state.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(() => Task.FromResult(condition()), what);

    public static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        using CancellationTokenSource deadline = new(Deadline);
        while (!await condition())
        {
            if (deadline.IsCancellationRequested)
            {
                Assert.Fail($"Within {Deadline} this did not come: {what}.");
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }
}
