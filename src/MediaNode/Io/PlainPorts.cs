using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.MediaNode.Io;

/// <summary>
/// The ports of one worker's plain transports, and the memory that they share: there is none before the first port.
/// On the worker's thread only, but for the counters.
/// </summary>
internal sealed class PlainPorts(IBatchSocket socket) : IDisposable
{
    private readonly Dictionary<int, PlainPort> _ports = [];
    private PortablePlainMemory? _memory;
    private LinuxPortBatch? _batch;
    private int _nextToken;

    /// <summary>Messages handed to the system since the start: one may carry several datagrams for one receiver.</summary>
    public long SendMessages => _memory?.Sent ?? (OperatingSystem.IsLinux() ? _batch?.Messages ?? 0 : 0);

    /// <summary>Datagrams that the system did not take.</summary>
    public long SendFailures => _memory?.Failures ?? (OperatingSystem.IsLinux() ? _batch?.Failures ?? 0 : 0);

    /// <summary>Datagrams that the kernel dropped because nobody read them in time (SO_RXQ_OVFL); 0 where it does not say.</summary>
    public long ReceiveQueueOverflows => OperatingSystem.IsLinux() ? _batch?.ReceiveQueueOverflows ?? 0 : 0;

    /// <summary>Whether something is queued.</summary>
    public bool HasQueued => OperatingSystem.IsLinux() && _batch is { HasQueued: true };

    /// <summary>Opens a port; throws <see cref="SocketException"/> like <see cref="PlainPort.Bind"/>.</summary>
    /// <param name="endPoint">Where to bind; port 0 for any.</param>
    /// <param name="announced">The address that others are told where it differs; null otherwise.</param>
    /// <param name="bufferSize">Bytes of the kernel's buffers.</param>
    /// <param name="isRtcp">Whether it is the transport's second port.</param>
    public PlainPort Open(IPEndPoint endPoint, IPAddress? announced, int bufferSize, bool isRtcp)
    {
        var bound = PlainPort.Bind(endPoint, bufferSize);
        var token = _nextToken;
        _nextToken = (_nextToken + 1) & int.MaxValue;
        PlainPort port = OperatingSystem.IsLinux() && socket is LinuxUdpSocket
            ? new LinuxPlainPort(bound, announced, bufferSize, this, _batch ??= new LinuxPortBatch()) { IsRtcp = isRtcp, Token = token }
            : new PortablePlainPort(bound, announced, this, _memory ??= new PortablePlainMemory()) { IsRtcp = isRtcp, Token = token };
        _ports.Add(token, port);
        socket.WaitAlsoFor(bound, token);
        return port;
    }

    /// <summary>Gives the worker what has come; returns how many datagrams that were. A port that has more is ready again at the next wait.</summary>
    public int Receive(MediaWorker worker, long now)
    {
        var received = 0;
        while (socket.TryTakeReady(out var token))
        {
            // One that was closed meanwhile is not there any more.
            if (!_ports.TryGetValue(token, out var port))
            {
                continue;
            }

            var count = port.Receive();
            received += count;
            worker.BeginBatch();
            for (var i = 0; i < count && port.Transport is { IsClosed: false } transport; i++)
            {
                var datagram = port.Datagram(i, out var from);
                worker.ReceivePlain(transport, datagram, from, port.IsRtcp, now);
            }

            worker.EndBatch(now);
        }

        return received;
    }

    /// <summary>Hands everything queued to the system, and says whether from now on more may be queued before it is sent unasked.</summary>
    public void FlushAndGather(bool gather)
    {
        if (OperatingSystem.IsLinux())
        {
            _batch?.FlushAndGather(gather);
        }
    }

    /// <summary>A port that is to be closed.</summary>
    public void Forget(PlainPort port)
    {
        if (_ports.Remove(port.Token))
        {
            // What it has queued is not to be sent by another socket that gets its number.
            FlushAndGather(gather: false);
            socket.WaitNoMoreFor(port.Socket);
        }
    }

    /// <summary>Closes what is open; after the thread has ended.</summary>
    public void Dispose()
    {
        foreach (var port in _ports.Values.ToArray())
        {
            port.Socket.Dispose();
        }

        _ports.Clear();
        if (OperatingSystem.IsLinux())
        {
            _batch?.Dispose();
        }
    }
}
