using Orleans.Runtime.Networking;

namespace VoiceCluster.Engine.Tests.Calls;

/// <summary>Work that the thread which reads a connection does before it reads on.</summary>
public sealed class InterruptedReadingTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public void Work_ThatIsShort_IsDoneAndTheSameThreadReadsOn()
    {
        var reading = new Reading();
        for (var i = 1; i <= 10_000; i++)
        {
            Assert.True(reading.TryDo(new Work(static () => { })));
        }

        Assert.Equal(0, reading.TakeOvers);
    }

    [Fact]
    public async Task Work_ThatHoldsItsThread_IsTakenOverFromAndTheThreadReadsNoMore()
    {
        var reading = new Reading();
        using var gate = new ManualResetEventSlim();
        var working = Task.Run(() => reading.TryDo(new Work(() => Assert.True(gate.Wait(Deadline)))));

        await reading.TakenOver.Task.WaitAsync(Deadline);
        Assert.False(working.IsCompleted);
        gate.Set();

        Assert.False(await working.WaitAsync(Deadline));
        Assert.Equal(1, reading.TakeOvers);
    }

    [Fact]
    public async Task Work_OfTheThreadThatTookOver_IsNotMistakenForTheOldOne()
    {
        // Held while the second works too: only tickets tell the two apart.
        var reading = new Reading();
        using var first = new ManualResetEventSlim();
        using var second = new ManualResetEventSlim();
        var working = Task.Run(() => reading.TryDo(new Work(() => Assert.True(first.Wait(Deadline)))));
        await reading.TakenOver.Task.WaitAsync(Deadline);

        var next = Task.Run(() => reading.TryDo(new Work(() =>
        {
            first.Set();
            Assert.True(second.Wait(Deadline));
        })));
        Assert.False(await working.WaitAsync(Deadline));
        second.Set();

        // The second keeps the reading, unless it was taken from it as well: it may have been slow on a busy machine.
        Assert.Equal(await next.WaitAsync(Deadline) ? 1 : 2, reading.TakeOvers);
    }

    [Fact]
    public async Task Reading_AfterARest_IsWatchedAgain()
    {
        var reading = new Reading();
        for (var round = 0; round < 5; round++)
        {
            Assert.True(reading.TryDo(new Work(static () => { })));
            await Eventually.HoldsAsync(() => !reading.IsWatched, "nobody watches any more");
            reading.Expect();
            using var gate = new ManualResetEventSlim();
            var working = Task.Run(() => reading.TryDo(new Work(() => Assert.True(gate.Wait(Deadline)))));
            await reading.TakenOver.Task.WaitAsync(Deadline);
            gate.Set();
            Assert.False(await working.WaitAsync(Deadline));
        }
    }

    private sealed class Reading : InterruptedReading
    {
        private int _takeOvers;

        public TaskCompletionSource TakenOver { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int TakeOvers => Volatile.Read(ref _takeOvers);

        public bool TryDo(IThreadPoolWorkItem work) => TryWork(work);

        public void Expect() => TakenOver = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override void TakeOver()
        {
            Interlocked.Increment(ref _takeOvers);
            TakenOver.TrySetResult();
        }
    }

    private sealed class Work(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }
}
