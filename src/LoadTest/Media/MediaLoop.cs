using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using VoiceCluster.LoadTest.Interop.Linux;
using VoiceCluster.Media.Net;

namespace VoiceCluster.LoadTest.Media;

/// <summary>
/// One thread with many links. Links that still connect wake it at once; connected ones are swept by a timer, because the kernel
/// has noted when each packet came, and a wake-up for each packet would be charged to the sender, which is the server under test.
/// The loop: 1. commands; 2. packets that are due; 3. links that connect; 4. sweeps that are due; 5. wait.
/// </summary>
internal sealed unsafe class MediaLoop : IDisposable
{
    /// <summary>Nanoseconds by which the kernel may wake this thread late; its default is 50,000.</summary>
    private const nuint TimerSlack = 1_000;

    /// <summary>
    /// Microseconds that the thread sleeps at the least. Falling asleep and waking up cost as much as sending a packet, so what is due
    /// meanwhile leaves together; the report says how late.
    /// </summary>
    private const long LeastSleep = 100;

    /// <summary>Microseconds between two wake-ups for sweeps: many links together have their code in the cache.</summary>
    private const long LongestStep = 10_000;

    /// <summary>Microseconds between two looks at a socket where a packet came when the program reads it: as short as the wheel goes.</summary>
    private const long UnstampedSweep = 1_000;

    private readonly ConcurrentQueue<Action> _commands = new();
    private readonly List<MediaLink> _links = [];
    private readonly List<MediaLink> _connecting = [];
    private readonly PriorityQueue<(MediaLink Link, PacketSource Source), long> _sources = new();
    private readonly SweepWheel<MediaLink> _wheel;
    private readonly ReceiveBatch _batch;
    private readonly int _epoll;
    private readonly int _event;
    private readonly Thread _thread;
    private readonly byte* _sendBuffer = (byte*)NativeMemory.AllocZeroed(Datagram.MaxSize);
    private volatile bool _stopping;
    private Exception? _fault;

    /// <summary>Starts the thread.</summary>
    public MediaLoop(BenchOptions options)
    {
        Options = options;
        IsStamped = options.Arrival == ArrivalClock.Kernel && UdpPort.CanStamp();
        LongestSweep = IsStamped ? (long)options.Sweep.TotalMicroseconds : UnstampedSweep;
        _wheel = new SweepWheel<MediaLink>(Now, Math.Min(LongestSweep, LongestStep));
        _batch = new ReceiveBatch(options.Gro);
        _epoll = Check(LibC.EpollCreate1(LibC.EpollCloExec));
        _event = Check(LibC.EventFd(0, LibC.EfdNonBlock | LibC.EfdCloExec));
        Watch(_event);
        _thread = new Thread(Run) { Name = "media", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Microseconds of the loops' clock.</summary>
    public static long Now => 1_000_000 + (long)Stopwatch.GetElapsedTime(0).TotalMicroseconds;

    /// <summary>Ticks of 100 ns since 1970 of the clock that the kernel notes arrivals by.</summary>
    public static long UnixTicks => DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks;

    /// <summary>What the run does.</summary>
    public BenchOptions Options { get; }

    /// <summary>The kernel says when each packet came; else the program does.</summary>
    public bool IsStamped { get; }

    /// <summary>Microseconds between two looks at a socket at the most.</summary>
    public long LongestSweep { get; }

    /// <summary>Microseconds between two wake-ups for sweeps.</summary>
    public long SweepStep => _wheel.Width;

    /// <summary>What it has measured. Read it by <see cref="InvokeAsync"/>.</summary>
    public LoopFigures Figures { get; } = new();

    /// <summary>Bytes that the thread has allocated since it started; read by <see cref="InvokeAsync"/>.</summary>
    public static long AllocatedBytes => GC.GetAllocatedBytesForCurrentThread();

    /// <summary>The one buffer for what is sent: each datagram goes to the kernel at once.</summary>
    public byte* SendBuffer => _sendBuffer;

    /// <summary>The links, for commands.</summary>
    public IReadOnlyList<MediaLink> Links => _links;

    /// <summary>Runs a command on the loop's thread.</summary>
    public Task InvokeAsync(Action command)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Enqueue(() =>
        {
            try
            {
                command();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        if (_fault is { } fault)
        {
            done.TrySetException(fault);
        }

        ulong one = 1;
        _ = LibC.Write(_event, &one, sizeof(ulong));
        return done.Task;
    }

    /// <summary>Begins to run a link.</summary>
    public Task AddAsync(MediaLink link) => InvokeAsync(() =>
    {
        _links.Add(link);
        _connecting.Add(link);
        Watch(link.Descriptor);
        link.Advance(Now);
    });

    /// <summary>Begins to send a stream on a link of this loop, first at <paramref name="due"/>.</summary>
    public Task StartAsync(MediaLink link, PacketSource source, long due) => InvokeAsync(() =>
    {
        link.Add(source);
        source.Due = due;
        _sources.Enqueue((link, source), due);
    });

    /// <summary>Says goodbye on a link and frees it.</summary>
    public Task RemoveAsync(MediaLink link) => InvokeAsync(() =>
    {
        _links.Remove(link);
        _connecting.Remove(link);
        link.Dispose();
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping = true;
        ulong one = 1;
        _ = LibC.Write(_event, &one, sizeof(ulong));
        _thread.Join();
        _links.ForEach(l => l.Dispose());
        _ = LibC.Close(_epoll);
        _ = LibC.Close(_event);
        _batch.Dispose();
        NativeMemory.Free(_sendBuffer);
    }

    private void Run()
    {
        try
        {
            _ = LibC.PrCtl(LibC.PrSetTimerSlack, TimerSlack);
            while (!_stopping)
            {
                // :: Step 1
                ulong count;
                _ = LibC.Read(_event, &count, sizeof(ulong));
                while (_commands.TryDequeue(out var command))
                {
                    command();
                }

                // :: Step 2
                RunSources(Now);

                // :: Step 3
                RunConnecting(Now);

                // :: Step 4
                RunSweeps();

                // :: Step 5
                var next = _wheel.NextDue();
                Wait(_sources.TryPeek(out _, out var due) ? Math.Min(due, next) : next);
            }
        }
        catch (Exception e)
        {
            // A bug of the generator: every later command tells it, and the run ends with it.
            _fault = e;
            Console.Error.WriteLine($"voicebench: a media loop died: {e}");
        }
    }

    private void RunSources(long now)
    {
        while (_sources.TryPeek(out var item, out var due) && due <= now)
        {
            if (item.Link.IsClosed)
            {
                _sources.Dequeue();
                continue;
            }

            item.Source.Run(item.Link, Figures, now);
            _sources.DequeueEnqueue(item, item.Source.Due);
        }
    }

    private void RunConnecting(long now)
    {
        for (var i = _connecting.Count - 1; i >= 0; i--)
        {
            var link = _connecting[i];
            link.Sweep(_batch, now);
            if (link.Due <= now)
            {
                link.Advance(now);
            }

            if (link.IsConnected)
            {
                _connecting.RemoveAt(i);
                Check(LibC.EpollCtl(_epoll, LibC.EpollCtlDel, link.Descriptor, null));
                link.PlanSweep(0, now);
                _wheel.Add(link);
            }
        }
    }

    /// <summary>What is due to be sent leaves between two links: else it would come to the server as a burst of many clients at once.</summary>
    private void RunSweeps()
    {
        var now = Now;
        while (_wheel.TakeDue(now) is { } link)
        {
            if (link.IsClosed)
            {
                continue;
            }

            link.PlanSweep(link.Sweep(_batch, now), now);
            if (link.Due <= now)
            {
                link.Advance(now);
            }

            _wheel.Add(link);
            now = Now;
            RunSources(now);
        }
    }

    private void Wait(long until)
    {
        var left = until - Now;
        if (left <= 0 || !_commands.IsEmpty)
        {
            return;
        }

        left = Math.Max(left, LeastSleep);

        var item = new LibC.PollFd { Fd = _epoll, Events = LibC.PollIn };
        var timeout = new LibC.TimeSpec { Seconds = left / 1_000_000, Nanoseconds = left % 1_000_000 * 1_000 };
        _ = LibC.PPoll(&item, 1, &timeout, null);
    }

    private void Watch(int descriptor)
    {
        // struct epoll_event is packed on x86-64: 4 bytes of flags, then 8 of data, which nobody reads.
        var item = stackalloc byte[16];
        *(uint*)item = LibC.EpollIn;
        Check(LibC.EpollCtl(_epoll, LibC.EpollCtlAdd, descriptor, item));
    }

    private static int Check(int result) => result >= 0 ? result : throw new Win32Exception();
}
