using System.Collections.Concurrent;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.MediaNode.Io;

/// <summary>
/// The thread of one <see cref="MediaWorker"/>: it waits for datagrams, commands and deadlines, and runs the worker.
/// The loop: 1. wait; 2. read the clock, once a batch; 3. receive; 4. commands; 5. timers; 6. send the batch.
/// </summary>
public sealed partial class WorkerThread : IAsyncDisposable
{
    /// <summary>Batches that are handled before commands and timers get their turn.</summary>
    private const int BatchesInARow = 8;

    /// <summary>What the thread does: it works, lets packets gather, or sleeps until there is something.</summary>
    private const int Awake = 0;
    private const int Pausing = 1;
    private const int Asleep = 2;

    /// <summary>Microseconds of the window over which <see cref="BusyRatio"/> is measured.</summary>
    private const long BusyWindow = 1_000_000;

    private readonly IBatchSocket _socket;
    private readonly MonotonicClock _clock;
    private readonly ILogger _logger;
    private readonly ConcurrentQueue<WorkItem> _commands = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private int _rest;
    private volatile bool _stopping;
    private readonly BatchPacer _pacer = new();
    private readonly SendGatherer _gatherer = new();
    private long _queuedAt;
    private long _busySince;
    private long _busy;
    private long _busyInAll;
    private int _received;

    /// <summary>Makes the thread; <see cref="Start"/> runs it. The socket is disposed with it.</summary>
    /// <param name="index">Number of the worker in its node, from 0.</param>
    /// <param name="socket">The worker's port.</param>
    /// <param name="worker">What the thread runs.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="relay">The relay port, for which <paramref name="socket"/> waits as well; null without one.</param>
    /// <param name="processor">The processor that the thread is tied to; null leaves it to the system.</param>
    public WorkerThread(int index, IBatchSocket socket, MediaWorker worker, MonotonicClock clock, ILogger logger, IBatchSocket? relay = null, int? processor = null)
    {
        Processor = processor;
        Relay = relay;
        Index = index;
        Worker = worker;
        _socket = socket;
        PlainPorts = new PlainPorts(socket);
        _clock = clock;
        _logger = logger;
        _thread = new Thread(Run) { Name = $"media {index}", IsBackground = true };
    }

    /// <summary>Number of the worker in its node, from 0.</summary>
    public int Index { get; }

    /// <summary>The processor that the thread is to be tied to; null without one.</summary>
    public int? Processor { get; }

    /// <summary>The port and its counters.</summary>
    public IBatchSocket Socket => _socket;

    /// <summary>The relay port as this worker has it; null without one.</summary>
    public IBatchSocket? Relay { get; }

    /// <summary>The ports of its plain transports, for commands.</summary>
    internal PlainPorts PlainPorts { get; }

    /// <summary>The worker. Only its <see cref="MediaWorker.Stats"/> may be read from other threads.</summary>
    public MediaWorker Worker { get; }

    /// <summary>0 to 1: the share of the last second in which the thread did not wait.</summary>
    public double BusyRatio { get; private set; }

    /// <summary>For how long the thread lets what it sends gather.</summary>
    public TimeSpan SendDelay => TimeSpan.FromMicroseconds(_gatherer.Delay);

    /// <summary>Bytes that the thread had allocated when it last looked, each second; tests want it flat.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>False once the loop has ended, on purpose or by a fault.</summary>
    public bool IsAlive => !_ended.Task.IsCompleted;

    /// <summary>Starts the loop.</summary>
    public void Start() => _thread.Start();

    /// <summary>Runs <paramref name="command"/> on the worker's thread; its exception is the task's.</summary>
    public Task<T> InvokeAsync<T>(Func<MediaWorker, long, T> command)
    {
        var item = new WorkItem<T>(command);
        _commands.Enqueue(item);
        if (_stopping || _ended.Task.IsCompleted)
        {
            item.Cancel();
        }
        else
        {
            Wake();
        }

        return item.Task;
    }

    /// <summary>Done when the loop has ended, on purpose or by a fault.</summary>
    public Task Ended => _ended.Task;

    /// <summary>For other workers, after they have published datagrams for this one: ends its sleep. Packets that it lets gather can wait with it.</summary>
    public void WakeForDatagrams()
    {
        // A full fence: what was published must be seen by one that has not read this as sleep, and the other way round.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _rest) == Asleep && Interlocked.CompareExchange(ref _rest, Awake, Asleep) == Asleep)
        {
            _socket.Wake();
        }
    }

    /// <summary>
    /// Lets the worker sum up what its transports have counted; false when it did not in time. It is asked by a flag and not by a
    /// command, which would allocate on its thread.
    /// </summary>
    public async Task<bool> SumAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var before = Worker.Sums;
        var start = _clock.Now;
        while (IsAlive && _clock.Now - start < patience.TotalMicroseconds)
        {
            Worker.WantSum();
            Wake();
            await Task.Delay(TimeSpan.FromMilliseconds(1), cancellationToken).ConfigureAwait(false);
            if (Worker.Sums != before)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Ends the loop after the commands already queued, and frees the port.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_stopping)
        {
            _stopping = true;
            if (_thread.ThreadState.HasFlag(ThreadState.Unstarted))
            {
                _ended.TrySetResult();
            }
            else if (IsAlive)
            {
                _socket.Wake();
            }
        }

        await _ended.Task.ConfigureAwait(false);
        PlainPorts.Dispose();
        _socket.Dispose();
        Relay?.Dispose();
    }

    private bool HasQueued => _socket.HasQueued || PlainPorts.HasQueued;

    // The queue's own exchange is no fence for the look at the state.
    private void Wake()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _rest) != Awake && Interlocked.Exchange(ref _rest, Awake) != Awake)
        {
            _socket.Wake();
        }
    }

    private void Run()
    {
        PinThread();
        try
        {
            var now = _clock.Now;
            _busySince = now;
            var deadline = now;
            while (!_stopping)
            {
                // :: Step 1
                var idleSince = _clock.Now;
                _busy += idleSince - now;
                _busyInAll += idleSince - now;

                if (_commands.IsEmpty)
                {
                    Wait(deadline, idleSince);
                }

                // :: Step 2
                now = _clock.Now;

                // :: Step 3
                ReceiveAll(now);
                ReceiveRelay(now);
                ReceiveFromWorkers(now);
                _received += PlainPorts.Receive(Worker, now);

                // :: Step 4
                RunCommands(now);

                // :: Step 5
                deadline = Worker.Advance(now);
                Measure(now);

                // :: Step 6
                Flush(now);
            }

            RunCommands(_clock.Now);
            FlushAll();
        }
        catch (Exception e)
        {
            // A fault here is a bug or a dead descriptor: the node stops being ready, and its rooms move.
            LogDied(_logger, e, Index);
        }
        finally
        {
            _ended.TrySetResult();
            while (_commands.TryDequeue(out var item))
            {
                item.Cancel();
            }
        }
    }

    private void PinThread()
    {
        if (Processor is not { } processor)
        {
            return;
        }

        // A container may not have the processor: the worker serves all the same.
        var error = OperatingSystem.IsLinux() ? ThreadAffinity.Pin(processor) : -1;
        if (error != 0)
        {
            LogNotPinned(_logger, Index, processor, error);
        }
    }

    private void Wait(long deadline, long now)
    {
        var messages = _socket.SendMessages + (Relay?.SendMessages ?? 0) + PlainPorts.SendMessages;
        var pause = _pacer.Next(now, _busyInAll, Worker.Stats.DatagramsSent, messages, _received);
        _gatherer.Observe(now, _busyInAll, Worker.Stats.DatagramsSent, messages);
        if (HasQueued)
        {
            deadline = Math.Min(deadline, _queuedAt + _gatherer.Delay);
        }

        // A full fence each time: the state must be seen before the queues are looked at, else a wake-up could be lost.
        Interlocked.Exchange(ref _rest, Asleep);

        // The wait also finds out which of the plain ports are ready, so it is never left out for long.
        _socket.Wait(_commands.IsEmpty && !Worker.HasLinkInput ? deadline - now : 0);
        if (pause > 0)
        {
            Interlocked.Exchange(ref _rest, Pausing);
            if (_commands.IsEmpty)
            {
                // A frame of video comes as a burst: its first packet wakes the thread, and the others shall leave with it.
                _socket.Pause(pause);
            }
        }

        Volatile.Write(ref _rest, Awake);
    }

    private void ReceiveAll(long now)
    {
        _received = 0;
        for (var batch = 0; batch < BatchesInARow; batch++)
        {
            var count = _socket.ReceiveBatch();
            _received += count;
            Worker.BeginBatch();
            for (var i = 0; count > 1 && i < count; i++)
            {
                _socket.Datagram(i, out var from);
                Worker.Expect(i, from);
            }

            for (var i = 0; i < count; i++)
            {
                Worker.LookAhead(i, count);
                var datagram = _socket.Datagram(i, out var from);
                Worker.Receive(datagram, from, now);
            }

            Worker.EndBatch(now);

            Flush(now);
            if (count < IBatchSocket.BatchSize)
            {
                return;
            }
        }
    }

    private void ReceiveRelay(long now)
    {
        for (var batch = 0; Relay is not null && batch < BatchesInARow; batch++)
        {
            var count = Relay.ReceiveBatch();
            _received += count;
            for (var i = 0; i < count; i++)
            {
                Worker.ReceiveRelay(Relay.Datagram(i, out var from), from, now);
            }

            Flush(now);
            if (count < IBatchSocket.BatchSize)
            {
                return;
            }
        }
    }

    private void ReceiveFromWorkers(long now)
    {
        for (var batch = 0; batch < BatchesInARow; batch++)
        {
            var count = Worker.ReceiveFromWorkers(now);
            _received += count;
            Flush(now);
            if (count < IBatchSocket.BatchSize)
            {
                return;
            }
        }
    }

    // What comes in at one port can go out at the other. Other workers begin with their share while this one sends its own.
    private void Flush(long now)
    {
        if (_gatherer.Delay == 0)
        {
            FlushAll();
            return;
        }

        Worker.FlushLinks();
        Relay?.Flush();
        if (!HasQueued)
        {
            _queuedAt = now;
        }
        else if (now - _queuedAt >= _gatherer.Delay)
        {
            _socket.FlushAndGather(gather: true);
            PlainPorts.FlushAndGather(gather: true);
        }
    }

    private void FlushAll()
    {
        Worker.FlushLinks();
        _socket.FlushAndGather(gather: false);
        PlainPorts.FlushAndGather(gather: false);
        Relay?.Flush();
    }

    private void RunCommands(long now)
    {
        while (_commands.TryDequeue(out var item))
        {
            item.Run(Worker, now);
        }
    }

    private void Measure(long now)
    {
        var window = now - _busySince;
        if (window >= BusyWindow)
        {
            BusyRatio = Math.Clamp(_busy / (double)window, 0, 1);
            AllocatedBytes = GC.GetAllocatedBytesForCurrentThread();
            _busy = 0;
            _busySince = now;
        }
    }

    [LoggerMessage(2000, LogLevel.Critical, "Media worker {Index} died")]
    private static partial void LogDied(ILogger logger, Exception exception, int index);

    [LoggerMessage(2008, LogLevel.Warning, "Media worker {Index} is not tied to processor {Processor} of Media:Processors: error {Error}")]
    private static partial void LogNotPinned(ILogger logger, int index, int processor, int error);

    private abstract class WorkItem
    {
        public abstract void Run(MediaWorker worker, long now);

        public abstract void Cancel();
    }

    private sealed class WorkItem<T>(Func<MediaWorker, long, T> command) : WorkItem
    {
        private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _completion.Task;

        public override void Run(MediaWorker worker, long now)
        {
            try
            {
                _completion.TrySetResult(command(worker, now));
            }
            catch (Exception e)
            {
                _completion.TrySetException(e);
            }
        }

        public override void Cancel() => _completion.TrySetCanceled();
    }
}
