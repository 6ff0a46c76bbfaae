using System.Diagnostics;

namespace Orleans.Runtime.Networking;

/// <summary>
/// Reads a connection with a thread of its own, which does what the frames have caused before it reads on, see
/// <see cref="Burst"/>. When that takes long another thread takes over.
/// </summary>
internal sealed class ThreadInput : FrameInput
{
    /// <summary>What one piece of work that took longer than a burst's budget counts, against one for each that did not.</summary>
    private const int LongWorkWeight = 64;

    /// <summary>With so much of it the thread pool does the work for a while.</summary>
    private const int MaxLongWork = 8 * LongWorkWeight;

    private readonly DirectStream _stream;
    private readonly ClusterConnection _connection;
    private readonly BusyWait _busyWait;
    private Burst _burst = new();
    private ExecutionContext? _context;
    private int _longWork;

    public ThreadInput(DirectStream stream, ClusterConnection connection, IConnectionEvents events)
        : base(connection, events)
    {
        _stream = stream;
        _connection = connection;
        _busyWait = new BusyWait(stream.Socket);
    }

    /// <inheritdoc/>
    public override void Run() => new Thread(Read) { IsBackground = true, Name = "Cluster" }.UnsafeStart();

    /// <inheritdoc/>
    protected override void TakeOver()
    {
        _burst.Abandon();
        _burst = new Burst();
        _longWork = 0;
        _busyWait.NoteLongWork();
        Run();
    }

    private void Read()
    {
        _context = ExecutionContext.Capture();
        try
        {
            while (TryGoOn())
            {
            }
        }
        catch (Exception e)
        {
            _connection.OnEnd(e);
        }
    }

    /// <summary>Takes what has come, does what it causes and reads on. False when another thread goes on, or nobody.</summary>
    private bool TryGoOn()
    {
        var burst = _busyWait.IsResting ? null : _burst;
        burst?.Begin();
        ValueTask leave;
        try
        {
            leave = TakeFrames(out _);
        }
        catch
        {
            // What came before the bad frame is done nevertheless.
            burst?.Leave();
            throw;
        }
        finally
        {
            Burst.End();
        }

        if (burst is { IsEmpty: false } && !TryWork(burst))
        {
            return false;
        }

        if (!leave.IsCompletedSuccessfully)
        {
            _ = GoOnAsync(leave);
            return false;
        }

        int read;
        while ((read = _stream.TryRead(Free.Span)) < 0)
        {
            Wait();
        }

        return Note(read);
    }

    private bool TryWork(Burst burst)
    {
        var since = Stopwatch.GetTimestamp();
        if (!base.TryWork(burst))
        {
            return false;
        }

        ExecutionContext.Restore(_context!);
        if (Stopwatch.GetElapsedTime(since) < Burst.Budget * 2)
        {
            _longWork = Math.Max(0, _longWork - 1);
        }
        else if ((_longWork += LongWorkWeight) > MaxLongWork)
        {
            _longWork = 0;
            _busyWait.NoteLongWork();
        }

        return true;
    }

    private void Wait()
    {
        if (_busyWait.IsWorthIt && _busyWait.TryWait())
        {
            return;
        }

        var since = Stopwatch.GetTimestamp();
        _stream.WaitToRead();
        _busyWait.NoteSleep(Stopwatch.GetElapsedTime(since));
    }

    private async Task GoOnAsync(ValueTask leave)
    {
        try
        {
            await leave;
        }
        catch (Exception e)
        {
            _connection.OnEnd(e);
            return;
        }

        Run();
    }
}
