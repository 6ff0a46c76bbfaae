using System.Buffers.Binary;

namespace Orleans.Runtime.Networking;

/// <summary>
/// Reads what comes over one connection and cuts it into frames. One thread at a time reads; it does the first piece of work
/// that a frame has caused itself, see <see cref="HeldWork"/>.
/// </summary>
internal sealed class FrameInput(Stream stream, ClusterConnection connection, IConnectionEvents events)
{
    /// <summary>Bytes of the longest frame that is taken.</summary>
    public const int MaxFrameLength = 64 * 1024 * 1024;

    private byte[] _input = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>Reads until the other side closes the connection.</summary>
    public async Task RunAsync()
    {
        while (true)
        {
            var gate = TakeFrames(out var held);
            if (!gate.IsCompletedSuccessfully)
            {
                if (held is not null)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(held, preferLocal: true);
                }

                await gate;
                continue;
            }

            // Closing the stream ends the read: a token would have to be registered with each one.
            var reading = stream.ReadAsync(_input.AsMemory(_end), CancellationToken.None);
            int read;
            if (held is null)
            {
                read = await reading;
            }
            else if (reading.IsCompleted)
            {
                ThreadPool.UnsafeQueueUserWorkItem(held, preferLocal: true);
                read = await reading;
            }
            else
            {
                read = await new HeldWork.Beside(reading, held);
            }

            if (read == 0)
            {
                return;
            }

            _end += read;
        }
    }

    /// <summary>Takes every frame that has come in full, and makes room for the next bytes. The answer ends when there is leave to go on.</summary>
    private ValueTask TakeFrames(out IThreadPoolWorkItem? held)
    {
        HeldWork.Begin();
        try
        {
            while (_end - _start >= FrameHeader.LengthLength)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(_input.AsSpan(_start)) + FrameHeader.LengthLength;
                if (length is < FrameHeader.Length or > MaxFrameLength)
                {
                    throw new OrleansException($"{connection.Remote} sent a frame of {length} bytes.");
                }

                if (_end - _start < length)
                {
                    MakeRoom(length);
                    return ValueTask.CompletedTask;
                }

                var gate = events.MaySpeakAsync();
                if (!gate.IsCompletedSuccessfully)
                {
                    return gate;
                }

                connection.Take(_input, _start, length);
                _start += length;
            }

            MakeRoom(FrameHeader.Length);
            return ValueTask.CompletedTask;
        }
        finally
        {
            held = HeldWork.End();
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
