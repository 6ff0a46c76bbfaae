using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Net;

namespace VoiceCluster.MediaNode.Io;

/// <summary>A plain transport's port by the framework's Socket, for systems without recvmmsg: datagrams go one by one and at once.</summary>
internal sealed class PortablePlainPort(Socket socket, IPAddress? announced, PlainPorts ports, PortablePlainMemory memory)
    : PlainPort(socket, announced, ports)
{
    private readonly SocketAddress _from = new(socket.AddressFamily);
    private readonly SocketAddress _to = new(socket.AddressFamily);

    /// <inheritdoc/>
    public override int Receive()
    {
        var count = 0;
        while (count < IBatchSocket.BatchSize && Socket.Poll(0, SelectMode.SelectRead))
        {
            try
            {
                _from.Size = SocketAddress.GetMaximumAddressSize(_from.Family);
                memory.Lengths[count] = Socket.ReceiveFrom(memory.Incoming(count), SocketFlags.None, _from);
                memory.Senders[count++] = SocketAddresses.Read(_from);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock)
            {
                break;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.MessageSize)
            {
                // Windows reports the ICMP error of an earlier send, or a datagram longer than any of ours: pass over it.
                continue;
            }
        }

        return count;
    }

    /// <inheritdoc/>
    public override Span<byte> Datagram(int index, out TransportAddress from)
    {
        from = memory.Senders[index];
        return memory.Incoming(index)[..memory.Lengths[index]];
    }

    /// <inheritdoc/>
    public override Span<byte> Rent() => memory.Outgoing;

    /// <inheritdoc/>
    public override void Send(int length, in TransportAddress destination)
    {
        if (SocketAddresses.TryWrite(destination, _to))
        {
            try
            {
                Socket.SendTo(memory.Outgoing[..length], SocketFlags.None, _to);
                memory.Sent++;
                return;
            }
            catch (SocketException)
            {
                // A full buffer or an address that cannot be reached: counted, and real-time data is not sent again.
                memory.Failures++;
                return;
            }
        }

        memory.Failures++;
    }
}

/// <summary>What a worker's ports of this kind share.</summary>
internal sealed class PortablePlainMemory
{
    private readonly byte[] _in = GC.AllocateUninitializedArray<byte>(IBatchSocket.BatchSize * Datagram.MaxSize, pinned: true);
    private readonly byte[] _out = GC.AllocateUninitializedArray<byte>(Datagram.MaxSize, pinned: true);

    public int[] Lengths { get; } = new int[IBatchSocket.BatchSize];

    public TransportAddress[] Senders { get; } = new TransportAddress[IBatchSocket.BatchSize];

    /// <summary>Datagrams that the system took.</summary>
    public long Sent { get; set; }

    /// <summary>Datagrams that it did not.</summary>
    public long Failures { get; set; }

    public Span<byte> Outgoing => _out;

    public Span<byte> Incoming(int index) => _in.AsSpan(index * Datagram.MaxSize, Datagram.MaxSize);
}
