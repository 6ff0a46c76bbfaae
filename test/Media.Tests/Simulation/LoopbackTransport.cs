using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>Takes a packet that a transport sends.</summary>
public delegate void PacketSink(ReadOnlySpan<byte> packet, long now);

/// <summary>A transport without encryption or network: what it sends goes to delegates.</summary>
public sealed class LoopbackTransport(Router router, string id) : Transport(router, id)
{
    private readonly byte[] _buffer = new byte[Datagram.MaxSize];

    public bool IsConnected { get; private set; } = true;

    public PacketSink? RtpSent { get; set; }

    public PacketSink? RtcpSent { get; set; }

    public void Disconnect() => IsConnected = false;

    public void Connect(long now)
    {
        IsConnected = true;
        OnConnected(now);
        if (now >= Deadline)
        {
            Advance(now);
        }
    }

    protected internal override Span<byte> RentPacket() => IsConnected ? _buffer : default;

    protected internal override void CommitRtp(int length, long now) => RtpSent?.Invoke(_buffer.AsSpan(0, length), now);

    protected internal override void CommitRtcp(int length, long now) => RtcpSent?.Invoke(_buffer.AsSpan(0, length), now);
}
