using System.Diagnostics;
using Orleans.Runtime.Networking;

namespace VoiceCluster.Engine.Tests.Networking;

/// <summary>Who does what messages that came together have caused.</summary>
public sealed class BurstTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Burst _burst = new();

    [Fact]
    public void Work_OfABurst_BelongsToItsThreadOnlyWhileItTakesFrames()
    {
        Assert.Null(Burst.Current);
        _burst.Begin();
        Assert.Same(_burst, Burst.Current);
        Burst.End();
        Assert.Null(Burst.Current);
    }

    [Fact]
    public async Task Work_OfABurst_IsDoneOnceAndStartedInOrder()
    {
        // Some of it by the thread pool, if this machine is so busy that the time is up.
        var started = new List<int>();
        using var all = new CountdownEvent(5);
        for (var i = 0; i < 5; i++)
        {
            var number = i;
            Assert.True(_burst.TryAdd(new Work(() =>
            {
                lock (started)
                {
                    started.Add(number);
                }

                all.Signal();
            })));
        }

        Assert.False(_burst.IsEmpty);
        await OnAThread(_burst.Execute);
        Assert.True(all.Wait(Deadline));
        Assert.True(_burst.IsEmpty);
        Assert.Equal(5, started.Distinct().Count());
        Assert.Equal(0, started[0]);
    }

    [Fact]
    public async Task Work_WhenTheTimeIsUp_IsLeftToTheThreadPool()
    {
        var byPool = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _burst.TryAdd(new Work(() => Assert.True(SpinWait.SpinUntil(TimeIsUp(), Deadline))));
        _burst.TryAdd(new Work(() => byPool.TrySetResult(Thread.CurrentThread.IsThreadPoolThread)));
        await OnAThread(_burst.Execute);
        Assert.True(await byPool.Task.WaitAsync(Deadline));
    }

    [Fact]
    public async Task Work_BehindOneThatHoldsTheThread_IsDoneByOthersWhenItIsAbandoned()
    {
        using var holds = new ManualResetEventSlim();
        using var gate = new ManualResetEventSlim();
        var behind = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _burst.TryAdd(new Work(() =>
        {
            holds.Set();
            Assert.True(gate.Wait(Deadline));

            // What it causes now is no longer this thread's to keep.
            Assert.False(_burst.TryAdd(new Work(static () => { })));
        }));
        _burst.TryAdd(new Work(() => behind.TrySetResult()));
        var working = OnAThread(_burst.Execute);
        Assert.True(holds.Wait(Deadline));
        Assert.False(behind.Task.IsCompleted);

        _burst.Abandon();
        await behind.Task.WaitAsync(Deadline);
        Assert.False(working.IsCompleted);
        gate.Set();
        await working.WaitAsync(Deadline);
    }

    [Fact]
    public void Work_MoreThanMayWait_IsRefused()
    {
        var taken = 0;
        while (_burst.TryAdd(new Work(static () => { })))
        {
            Assert.True(++taken < 100_000);
        }

        Assert.True(taken > 0);
    }

    private static Func<bool> TimeIsUp()
    {
        var since = Stopwatch.GetTimestamp();
        return () => Stopwatch.GetElapsedTime(since) > Burst.Budget * 2;
    }

    private static Task OnAThread(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private sealed class Work(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }
}
