using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Orleans.Runtime.Networking;

/// <summary>
/// Reads any stream by the thread pool. The thread that reads does the first piece of work that a frame has caused itself, see
/// <see cref="HeldWork"/>: most often after it has asked for the next bytes, so that nobody waits for the work; but before
/// it when messages come one by one and fast, see <see cref="BusyWait"/>.
/// </summary>
internal sealed class StreamInput : FrameInput
{
    private readonly Stream _stream;
    private readonly ClusterConnection _connection;
    private readonly BusyWait? _busyWait;
    private readonly Action _onRead;
    private readonly Action _onLeave;
    private ValueTaskAwaiter<int> _reading;
    private ValueTaskAwaiter _leave;
    private long _asleepSince;

    public StreamInput(Stream stream, Socket? socket, ClusterConnection connection, IConnectionEvents events)
        : base(connection, events)
    {
        _stream = stream;
        _connection = connection;
        _busyWait = socket is null ? null : new BusyWait(socket);
        _onRead = OnRead;
        _onLeave = OnLeave;
    }

    /// <inheritdoc/>
    public override void Run()
    {
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

    /// <inheritdoc/>
    protected override void TakeOver()
    {
        _busyWait!.NoteLongWork();
        Run();
    }

    /// <summary>Takes what has come and reads on. False when another thread goes on, or nobody.</summary>
    private bool TryGoOn()
    {
        var leave = TakeFrames(out var held, out var count);
        if (!leave.IsCompletedSuccessfully)
        {
            Queue(held);
            var leaving = leave.GetAwaiter();
            _leave = leaving;
            leaving.UnsafeOnCompleted(_onLeave);
            return false;
        }

        if (count > 1)
        {
            _busyWait?.NoteMany();
        }
        else if (held is not null && _busyWait is { IsWorthIt: true })
        {
            if (!TryWork(held))
            {
                return false;
            }

            held = null;
            _busyWait.TryWait();
        }

        // Closing the stream ends the read: a token would have to be registered with each one.
        var reading = _stream.ReadAsync(Free, CancellationToken.None);
        if (reading.IsCompleted)
        {
            Queue(held);
            return Note(reading.Result);
        }

        _asleepSince = Stopwatch.GetTimestamp();
        var awaiter = reading.GetAwaiter();
        _reading = awaiter;
        awaiter.UnsafeOnCompleted(_onRead);

        // From here on another thread may be reading already.
        held?.Execute();
        return false;
    }

    private static void Queue(IThreadPoolWorkItem? held)
    {
        if (held is not null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(held, preferLocal: true);
        }
    }

    private void OnRead()
    {
        try
        {
            if (!Note(_reading.GetResult()))
            {
                return;
            }
        }
        catch (Exception e)
        {
            _connection.OnEnd(e);
            return;
        }

        _busyWait?.NoteSleep(Stopwatch.GetElapsedTime(_asleepSince));
        Run();
    }

    private void OnLeave()
    {
        try
        {
            _leave.GetResult();
        }
        catch (Exception e)
        {
            _connection.OnEnd(e);
            return;
        }

        Run();
    }

    private ValueTask TakeFrames(out IThreadPoolWorkItem? held, out int count)
    {
        HeldWork.Begin();
        try
        {
            var leave = TakeFrames(out count);
            held = HeldWork.End();
            return leave;
        }
        catch
        {
            // What came before the bad frame is done nevertheless.
            Queue(HeldWork.End());
            throw;
        }
    }
}
