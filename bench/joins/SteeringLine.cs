using System.Net.Sockets;
using System.Text;

namespace VoiceCluster.Bench.Joins;

/// <summary>One end of the socket by which the server is steered: lines of ASCII, gathered until they are flushed.</summary>
internal sealed class SteeringLine(Socket socket) : IDisposable
{
    private readonly StringBuilder _out = new();
    private byte[] _in = new byte[64 * 1024];
    private int _length;

    public Socket Socket => socket;

    /// <summary>Adds a line, which goes out with the next <see cref="Flush"/>.</summary>
    public void Write(string line) => _out.Append(line).Append('\n');

    /// <summary>Sends what was gathered.</summary>
    public void Flush()
    {
        if (_out.Length == 0)
        {
            return;
        }

        ReadOnlySpan<byte> rest = Encoding.ASCII.GetBytes(_out.ToString());
        _out.Clear();
        while (!rest.IsEmpty)
        {
            var sent = socket.Send(rest, SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                throw new SocketException((int)error);
            }

            rest = rest[Math.Max(0, sent)..];
        }
    }

    /// <summary>Takes the whole lines that are there: waits for some on a blocking socket, none on another that has none. Null at the end.</summary>
    public List<string>? Read()
    {
        List<string> lines = [];
        if (_length == _in.Length)
        {
            Array.Resize(ref _in, 2 * _length);
        }

        var read = socket.Receive(_in.AsSpan(_length), SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
        {
            return lines;
        }

        if (read == 0 || error != SocketError.Success)
        {
            return null;
        }

        _length += read;
        var begin = 0;
        for (int end; (end = _in.AsSpan(begin, _length - begin).IndexOf((byte)'\n')) >= 0; begin += end + 1)
        {
            lines.Add(Encoding.ASCII.GetString(_in, begin, end));
        }

        _in.AsSpan(begin, _length - begin).CopyTo(_in);
        _length -= begin;
        return lines;
    }

    public void Dispose() => socket.Dispose();
}
