using System.Buffers.Binary;

namespace Orleans.Runtime.Networking;

/// <summary>
/// Reads what comes over one connection and cuts it into frames. One thread at a time reads; it does some of the work that
/// the frames have caused itself, and another thread takes over when that takes long.
/// </summary>
internal abstract class FrameInput(ClusterConnection connection, IConnectionEvents events) : InterruptedReading
{
    /// <summary>Bytes of the longest frame that is taken.</summary>
    public const int MaxFrameLength = 64 * 1024 * 1024;

    private byte[] _input = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>Where the next bytes go; it is never empty.</summary>
    protected Memory<byte> Free => _input.AsMemory(_end);

    /// <summary>Reads until the connection is closed by either side, and tells it so.</summary>
    public abstract void Run();

    /// <summary>So many bytes were read. False when it was the end.</summary>
    protected bool Note(int read)
    {
        if (read == 0)
        {
            connection.OnEnd(null);
            return false;
        }

        _end += read;
        return true;
    }

    /// <summary>Takes every frame that has come in full, and makes room for the next bytes. The answer ends when there is leave to go on.</summary>
    protected ValueTask TakeFrames(out int count)
    {
        count = 0;
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
                return ValueTask.CompletedTask;
            }

            var gate = events.MaySpeakAsync();
            if (!gate.IsCompletedSuccessfully)
            {
                return gate;
            }

            connection.Take(_input, _start, length);
            _start += length;
            count++;
        }

        MakeRoom(FrameHeader.Length);
        return ValueTask.CompletedTask;
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
