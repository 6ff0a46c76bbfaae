using System.Net;
using System.Net.Sockets;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media.Relay;
using VoiceCluster.MediaNode.Tests.Control;

namespace VoiceCluster.MediaNode.Tests.Io;

/// <summary>A native client on a socket of its own, which has proved its address.</summary>
internal sealed class NativePeer : IDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly byte[] _buffer = new byte[2_048];
    private readonly RelayClient _client;
    private readonly IPEndPoint _server;

    private NativePeer(Guid user, Guid channel, byte[] session, byte[] key, RelayTransportOpened opened)
    {
        User = user;
        Media = opened.Media;
        _client = new RelayClient(user, channel, session, key);
        _server = new IPEndPoint(IPAddress.Parse(opened.EndPoint.Address), opened.EndPoint.Port);
    }

    public Guid User { get; }

    public RelayMedia Media { get; }

    private static long Now => Environment.TickCount64 * 1_000;

    public static async Task<NativePeer> JoinAsync(NodeFixture node, Guid channel, string name)
    {
        var (user, session, key) = (Guid.NewGuid(), Guid.NewGuid().ToByteArray(), Guid.NewGuid().ToByteArray());
        var opened = await node.RunAsync<RelayTransportOpened>(new CreateRelayTransport(name, name, user, session, key), channel.ToString());
        NativePeer peer = new(user, channel, session, key, opened);
        await peer.SendAsync(peer._client.WriteStart(peer._buffer, Now));
        await peer.ReceiveAsync(RelayPacketType.Pong);
        return peer;
    }

    public Task SpeakAsync(byte frame) => SendAsync(_client.WriteAudio(_buffer, [0x78, frame, 2, 3, 4], Now));

    public async Task<(RelayHeader Header, byte[] Payload)> ReceiveAsync(RelayPacketType type)
    {
        using CancellationTokenSource deadline = new(Deadline);
        while (true)
        {
            var datagram = (await _socket.ReceiveAsync(deadline.Token)).Buffer;
            Assert.True(_client.TryRead(datagram, out var header, out var payload));
            if (header.Type == type)
            {
                return (header, payload.ToArray());
            }
        }
    }

    /// <summary>Takes what has come; packets of sound among it.</summary>
    public int ReceiveSound()
    {
        var sounds = 0;
        while (_socket.Available > 0)
        {
            IPEndPoint? from = null;
            Assert.True(_client.TryRead(_socket.Receive(ref from), out var header, out _));
            sounds += header.Type == RelayPacketType.Audio ? 1 : 0;
        }

        return sounds;
    }

    public void Dispose()
    {
        _client.Dispose();
        _socket.Dispose();
    }

    private async Task SendAsync(int length) => await _socket.SendAsync(_buffer.AsMemory(0, length), _server);
}
