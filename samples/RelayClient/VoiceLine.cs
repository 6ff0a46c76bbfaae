using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Relay;

namespace VoiceCluster.Samples.RelayClient;

/// <summary>
/// The UDP line, on a thread of its own: proves the address, sends a packet every 20 ms, answers pings, pings every second,
/// and hands what comes to the ear.
/// </summary>
internal sealed class VoiceLine(Guid user, Guid channel, string host, IOpusSource? source, Ear ear, bool plain) : IDisposable
{
    private const long Frame = 20_000;
    private const long Second = 1_000_000;

    private readonly byte[] _out = new byte[2_048];
    private readonly byte[] _in = new byte[2_048];
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly long _unix = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10;
    private readonly long _started = Stopwatch.GetTimestamp();
    private volatile UdpWay? _way;
    private UdpWay? _used;
    private Media.Relay.RelayClient? _client;
    private EndPoint _server = new IPEndPoint(IPAddress.Any, 0);
    private bool _isProved;
    private long _received;
    private long _lostBefore;
    private long _receivedBefore;

    public long Sent { get; private set; }

    public long Received => _received;

    public bool IsProved => _isProved;

    /// <summary>The way in, or another after the media has moved.</summary>
    public UdpWay Way
    {
        set => _way = value;
    }

    private long Now => _unix + (long)Stopwatch.GetElapsedTime(_started).TotalMicroseconds;

    public void Run(CancellationToken stop)
    {
        _socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        var (nextFrame, nextStart, nextPing) = (Now, 0L, Now + Second);
        while (!stop.IsCancellationRequested)
        {
            if (_way != _used)
            {
                Open(_way!);
                nextStart = 0;
            }

            var now = Now;
            if (_client is not null && !_isProved && now >= nextStart)
            {
                // Until the answer comes: the first may be lost.
                nextStart = now + 200_000;
                Send(_client.WriteStart(_out, now));
            }

            if (now >= nextFrame)
            {
                nextFrame += Frame;
                if (_isProved && source is not null)
                {
                    Send(_client!.WriteAudio(_out, source.Next().Span, now));
                    Sent++;
                }

                ear.Tick();
            }

            if (_isProved && now >= nextPing)
            {
                nextPing = now + Second;
                Send(_client!.WritePing(_out, LossSinceLast(), now));
            }

            if (_socket.Poll((int)Math.Clamp(nextFrame - Now, 0, Frame), SelectMode.SelectRead))
            {
                Receive();
            }
        }

        if (_isProved)
        {
            Send(_client!.WriteStop(_out, Now));
        }
    }

    public void Dispose()
    {
        _client?.Dispose();
        _socket.Dispose();
    }

    private void Open(UdpWay way)
    {
        _client?.Dispose();
        _client = new Media.Relay.RelayClient(user, channel, way.Session, plain ? null : way.Key);
        var address = way.Address is { } told && IPAddress.TryParse(told, out var parsed)
            ? parsed
            : Dns.GetHostAddresses(host, AddressFamily.InterNetwork)[0];
        _server = new IPEndPoint(address, way.Port);
        _isProved = false;
        _used = way;
    }

    private void Send(int length) => _socket.SendTo(_out.AsSpan(0, length), SocketFlags.None, _server);

    private void Receive()
    {
        int length;
        try
        {
            length = _socket.Receive(_in);
        }
        catch (SocketException)
        {
            // The server's port is closed for now: the next start asks again.
            return;
        }

        if (_client is null || !_client.TryRead(_in.AsSpan(0, length), out var header, out var payload))
        {
            return;
        }

        switch (header.Type)
        {
            case RelayPacketType.Audio:
                _received++;
                ear.Receive(header, payload);
                break;
            case RelayPacketType.Pong when payload.IsEmpty:
                _isProved = true;
                break;
            case RelayPacketType.Ping:
                Send(_client.WritePong(_out, payload, Now));
                break;
            case RelayPacketType.Bitrate when payload.Length >= 4 && source is ToneSource tone:
                tone.Bitrate = BinaryPrimitives.ReadInt32BigEndian(payload);
                break;
        }
    }

    private byte LossSinceLast()
    {
        var (lost, received) = (ear.Lost - _lostBefore, _received - _receivedBefore);
        (_lostBefore, _receivedBefore) = (ear.Lost, _received);
        return lost <= 0 ? (byte)0 : (byte)Math.Min(255, lost * 256 / (lost + received));
    }
}
