using Orleans.Runtime.Clustering;

namespace VoiceCluster.Engine.Tests.Clustering;

public sealed class StandstillGuardTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Process_WhoseThreadPoolDoesNothing_SaysNothingUntilTheOwnerHasMadeSure()
    {
        // The pool takes what it is given and does not come to it.
        var given = new List<IThreadPoolWorkItem>();
        var asked = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        var sure = new TaskCompletionSource();
        using var guard = new StandstillGuard(
            TimeSpan.FromMilliseconds(300),
            stoodStill => asked.TrySetResult(stoodStill) ? sure.Task : Task.CompletedTask,
            given.Add);
        Assert.True(await asked.Task.WaitAsync(Deadline) >= TimeSpan.FromMilliseconds(300));
        Assert.True(guard.IsClosed);
        var pass = guard.PassAsync();
        Assert.False(pass.IsCompleted);
        Assert.Single(given);

        sure.SetResult();
        await pass.AsTask().WaitAsync(Deadline);
    }

    [Fact]
    public async Task Process_WhoseThreadPoolWorks_IsNeverHeld()
    {
        var notes = 0;
        using var guard = new StandstillGuard(
            TimeSpan.FromHours(1),
            _ => throw new InvalidOperationException("It did not stand still."),
            item =>
            {
                Interlocked.Increment(ref notes);
                item.Execute();
            });
        for (var deadline = DateTime.UtcNow + Deadline; Volatile.Read(ref notes) < 3; await Task.Delay(10))
        {
            Assert.True(DateTime.UtcNow < deadline, "It does not look again.");
        }

        Assert.False(guard.IsClosed);
        Assert.True(guard.PassAsync().IsCompletedSuccessfully);
    }
}
