using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Browser.Tests;

/// <summary>
/// A UDP hop between browsers and the media node that loses and delays packets, for machines whose kernel has no netem.
/// Each browser socket gets an upstream socket of its own, so that the node sees one address a transport. The page is
/// given this hop's port in place of the node's ICE candidate.
/// </summary>
internal sealed class ImpairedLink : IAsyncDisposable
{
    private readonly Socket _front = NewSocket();
    private readonly ConcurrentDictionary<EndPoint, Socket> _upstreams = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly IPEndPoint _node;
    private readonly double _loss;
    private readonly int _jitterMilliseconds;
    private readonly Random _random = new(20260101);
    private readonly Lock _randomLock = new();
    private readonly Task _receiving;
    private long _passed;
    private long _lost;

    /// <param name="nodePort">The media node's port on 127.0.0.1.</param>
    /// <param name="loss">Share of packets lost in each direction, 0 to 1.</param>
    /// <param name="jitterMilliseconds">Each packet is delayed by 0 to so many milliseconds, which reorders.</param>
    public ImpairedLink(int nodePort, double loss, int jitterMilliseconds)
    {
        _node = new IPEndPoint(IPAddress.Loopback, nodePort);
        _loss = loss;
        _jitterMilliseconds = jitterMilliseconds;
        _receiving = ForwardAsync(_front, (packet, from) => (_upstreams.GetOrAdd(from, OpenUpstream), packet, _node));
    }

    /// <summary>The port that stands in for the node's.</summary>
    public int Port => ((IPEndPoint)_front.LocalEndPoint!).Port;

    /// <summary>Packets that went through and packets lost, both directions.</summary>
    public (long Passed, long Lost) Count => (Interlocked.Read(ref _passed), Interlocked.Read(ref _lost));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _front.Dispose();
        foreach (var upstream in _upstreams.Values)
        {
            upstream.Dispose();
        }

        await _receiving;
        _stop.Dispose();
    }

    private static Socket NewSocket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 << 20 };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private Socket OpenUpstream(EndPoint browser)
    {
        var upstream = NewSocket();
        _ = ForwardAsync(upstream, (packet, _) => (_front, packet, browser));
        return upstream;
    }

    private async Task ForwardAsync(Socket socket, Func<byte[], EndPoint, (Socket Socket, byte[] Packet, EndPoint To)> route)
    {
        var buffer = new byte[2048];
        while (!_stop.IsCancellationRequested)
        {
            SocketReceiveFromResult received;
            try
            {
                received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // The link is being closed, or the peer's port is (ICMP unreachable), which a lossy link does not report.
                if (_stop.IsCancellationRequested)
                {
                    return;
                }

                continue;
            }

            int delay;
            lock (_randomLock)
            {
                if (_random.NextDouble() < _loss)
                {
                    Interlocked.Increment(ref _lost);
                    continue;
                }

                delay = _random.Next(_jitterMilliseconds + 1);
            }

            Interlocked.Increment(ref _passed);
            var (via, packet, to) = route(buffer[..received.ReceivedBytes], received.RemoteEndPoint);
            _ = SendLaterAsync(via, packet, to, delay);
        }
    }

    private async Task SendLaterAsync(Socket via, byte[] packet, EndPoint to, int delayMilliseconds)
    {
        try
        {
            // The delay is what this class is for; nothing waits for it.
            await Task.Delay(delayMilliseconds, _stop.Token);
            await via.SendToAsync(packet, SocketFlags.None, to, _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            Interlocked.Increment(ref _lost);
        }
    }
}
