using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.Media.Net;

namespace VoiceCluster.MediaNode.Io;

/// <summary>A plain transport's port by recvmmsg and sendmmsg.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxPlainPort(Socket socket, IPAddress? announced, int bufferSize, PlainPorts ports, LinuxPortBatch batch)
    : PlainPort(socket, announced, ports)
{
    private readonly LinuxPort _port = new(socket, bufferSize);

    /// <inheritdoc/>
    public override int Receive() => batch.Receive(_port);

    /// <inheritdoc/>
    public override Span<byte> Datagram(int index, out TransportAddress from) => batch.Datagram(index, out from);

    /// <inheritdoc/>
    public override Span<byte> Rent() => batch.Rent();

    /// <inheritdoc/>
    public override void Send(int length, in TransportAddress destination) => batch.Add(_port, length, destination);
}
