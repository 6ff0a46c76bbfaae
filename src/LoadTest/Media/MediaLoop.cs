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
/// The loop: 1. commands; 2. packets that are due; 3. links that connect; 4. the sweep; 5. wait.
/// </summary>
internal sealed unsafe class MediaLoop : IDisposable
{
    /// <summary>Nanoseconds by which the kernel may wake this thread late; its default is 50,000.</summary>
    private const nuint TimerSlack = 1_000;

    private readonly ConcurrentQueue<Action> _commands = new();
    private readonly List<MediaLink> _links = [];
    private readonly List<MediaLink> _connecting = [];
    private readonly PriorityQueue<(MediaLink Link, PacketSource Source), long> _sources = new();
    private readonly ReceiveBatch _batch = new();
    private readonly long _sweepPeriod;
    private readonly int _epoll;
    private readonly int _event;
    private readonly Thread _thread;
    private readonly byte* _sendBuffer = (byte*)NativeMemory.AllocZeroed(Datagram.MaxSize);
    private volatile bool _stopping;
    private Exception? _fault;

    /// <summary>Starts the thread.</summary>
    public MediaLoop(TimeSpan sweepPeriod)
    {
        _sweepPeriod = (long)sweepPeriod.TotalMicroseconds;
        _epoll = Check(LibC.EpollCreate1(LibC.EpollCloExec));
        _event = Check(LibC.EventFd(0, LibC.EfdNonBlock | LibC.EfdCloExec));
        Watch(_event);
        _thread = new Thread(Run) { Name = "media", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Microseconds of the loops' clock.</summary>
    public static long Now => 1_000_000 + (long)Stopwatch.GetElapsedTime(0).TotalMicroseconds;

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
            var nextSweep = Now;
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
                var now = Now;
                RunConnecting(now);

                // :: Step 4
                if (now >= nextSweep)
                {
                    Sweep();
                    nextSweep = Math.Max(nextSweep + _sweepPeriod, now);
                }

                // :: Step 5
                Wait(_sources.TryPeek(out _, out var due) ? Math.Min(due, nextSweep) : nextSweep);
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
            if (item.Link.Descriptor < 0)
            {
                _sources.Dequeue();
                continue;
            }

            item.Source.Run(item.Link, now);
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
            }
        }
    }

    /// <summary>
    /// A sweep of a thousand links takes longer than the time between two packets to send. What is due leaves between two links: sent
    /// together after the sweep it would come to the server as a burst of many clients at once, which no real ones make.
    /// </summary>
    private void Sweep()
    {
        foreach (var link in _links)
        {
            var now = Now;
            RunSources(now);
            link.Sweep(_batch, now);
            if (link.Due <= now)
            {
                link.Advance(now);
            }
        }
    }

    private void Wait(long until)
    {
        var left = until - Now;
        if (left <= 0 || !_commands.IsEmpty)
        {
            return;
        }

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
