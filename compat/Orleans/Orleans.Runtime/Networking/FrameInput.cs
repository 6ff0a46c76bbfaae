using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Orleans.Runtime.Networking;

/// <summary>
/// Reads what comes over one connection and cuts it into frames. One thread at a time reads. It does the first piece of work
/// that a frame has caused itself, see <see cref="HeldWork"/>: most often after it has asked for the next bytes, so that
/// nobody waits for the work; but before it when messages come one by one and fast, see <see cref="BusyWait"/>, and then
/// another thread takes over when the work takes long.
/// </summary>
internal sealed class FrameInput : InterruptedReading
{
    /// <summary>Bytes of the longest frame that is taken.</summary>
    public const int MaxFrameLength = 64 * 1024 * 1024;

    private readonly Stream _stream;
    private readonly ClusterConnection _connection;
    private readonly IConnectionEvents _events;
    private readonly BusyWait? _busyWait;
    private readonly Action _onRead;
    private readonly Action _onLeave;
    private ValueTaskAwaiter<int> _reading;
    private ValueTaskAwaiter _leave;
    private byte[] _input = new byte[64 * 1024];
    private int _start;
    private int _end;
    private long _asleepSince;

    public FrameInput(Stream stream, Socket? socket, ClusterConnection connection, IConnectionEvents events)
    {
        _stream = stream;
        _connection = connection;
        _events = events;
        _busyWait = socket is null ? null : new BusyWait(socket);
        _onRead = OnRead;
        _onLeave = OnLeave;
    }

    /// <summary>Reads until the connection is closed by either side, and tells it so.</summary>
    public void Run()
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
            _busyWait.Wait();
        }

        // Closing the stream ends the read: a token would have to be registered with each one.
        var reading = _stream.ReadAsync(_input.AsMemory(_end), CancellationToken.None);
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

    /// <summary>So many bytes were read. False when it was the end.</summary>
    private bool Note(int read)
    {
        if (read == 0)
        {
            _connection.OnEnd(null);
            return false;
        }

        _end += read;
        return true;
    }

    /// <summary>Takes every frame that has come in full, and makes room for the next bytes. The answer ends when there is leave to go on.</summary>
    private ValueTask TakeFrames(out IThreadPoolWorkItem? held, out int count)
    {
        HeldWork.Begin();
        count = 0;
        try
        {
            while (_end - _start >= FrameHeader.LengthLength)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(_input.AsSpan(_start)) + FrameHeader.LengthLength;
                if (length is < FrameHeader.Length or > MaxFrameLength)
                {
                    throw new NoFrameException($"A frame of {length} bytes cannot be.");
                }

                if (_end - _start < length)
                {
                    MakeRoom(length);
                    held = HeldWork.End();
                    return ValueTask.CompletedTask;
                }

                var gate = _events.MaySpeakAsync();
                if (!gate.IsCompletedSuccessfully)
                {
                    held = HeldWork.End();
                    return gate;
                }

                _connection.Take(_input, _start, length);
                _start += length;
                count++;
            }

            MakeRoom(FrameHeader.Length);
            held = HeldWork.End();
            return ValueTask.CompletedTask;
        }
        catch
        {
            // What came before the bad frame is done nevertheless.
            Queue(HeldWork.End());
            throw;
        }
    }

    /// <summary>Moves what there is of a frame to the front when there is no room for the rest of it.</summary>
    private void MakeRoom(int length)
    {
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
        }

        if (_input.Length - _start < length)
        {
            var target = _input.Length < length ? new byte[Math.Max(length, _input.Length * 2)] : _input;
            _input.AsSpan(_start, _end - _start).CopyTo(target);
            (_input, _start, _end) = (target, 0, _end - _start);
        }
    }
}

/// <summary>What has come is no frame, so that nobody knows where the next one would begin.</summary>
internal sealed class NoFrameException(string message) : OrleansException(message);
