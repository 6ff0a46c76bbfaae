using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.MediaNode.Io;

/// <summary>The ports of one worker's plain transports. On the worker's thread only.</summary>
internal sealed class PlainPorts(IBatchSocket socket)
{
    /// <summary>Datagrams of one port before the next gets its turn.</summary>
    private const int Batch = 64;

    private readonly Dictionary<int, PlainPort> _ports = [];
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(Datagram.MaxSize, pinned: true);
    private int _nextToken;

    /// <summary>Datagrams handed to the system since the start.</summary>
    public long Sent { get; set; }

    /// <summary>Opens a port; throws <see cref="SocketException"/> like <see cref="PlainPort"/>.</summary>
    public PlainPort Open(IPEndPoint endPoint, IPAddress? announced, int bufferSize, bool isRtcp)
    {
        var port = new PlainPort(endPoint, announced, bufferSize, this) { IsRtcp = isRtcp, Token = _nextToken };
        _nextToken = (_nextToken + 1) & int.MaxValue;
        _ports.Add(port.Token, port);
        socket.WaitAlsoFor(port.Socket, port.Token);
        return port;
    }

    /// <summary>Gives the worker what has come; returns how many datagrams that were.</summary>
    public int Receive(MediaWorker worker, long now)
    {
        var received = 0;
        while (socket.TryTakeReady(out var token))
        {
            // One that was closed meanwhile is not there any more.
            for (var i = 0; i < Batch && _ports.TryGetValue(token, out var port) && port.TryReceive(_buffer, out var length, out var from); i++)
            {
                received++;
                if (port.Transport is { } transport)
                {
                    worker.ReceivePlain(transport, _buffer.AsSpan(0, length), from, port.IsRtcp, now);
                }
            }
        }

        return received;
    }

    /// <summary>A port that is to be closed.</summary>
    public void Forget(PlainPort port)
    {
        if (_ports.Remove(port.Token))
        {
            socket.WaitNoMoreFor(port.Socket);
        }
    }
}
