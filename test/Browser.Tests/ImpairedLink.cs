using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

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
    private readonly Channel<Queued> _queue = Channel.CreateUnbounded<Queued>(new UnboundedChannelOptions { SingleReader = true });
    private readonly IPEndPoint _node;
    private readonly double _loss;
    private readonly int _jitterMilliseconds;
    private readonly Random _random = new(20260101);
    private readonly Lock _randomLock = new();
    private readonly Task _receiving;
    private readonly Task _serving;
    private TimeSpan _freeAt;
    private long _rate;
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
        _receiving = ForwardAsync(_front, isDown: false, (packet, from) => (_upstreams.GetOrAdd(from, OpenUpstream), packet, _node));
        _serving = ServeQueueAsync();
    }

    private readonly record struct Queued(TimeSpan At, Socket Via, byte[] Packet, EndPoint To);

    /// <summary>Bits a second towards browsers, with a queue of <see cref="MaxQueue"/> before it; 0 for no limit.</summary>
    public long Rate
    {
        get => Interlocked.Read(ref _rate);
        set => Interlocked.Exchange(ref _rate, value);
    }

    /// <summary>How long a packet waits at most; those that would wait longer are lost.</summary>
    public static TimeSpan MaxQueue { get; } = TimeSpan.FromMilliseconds(300);

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
        await _serving;
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
        _ = ForwardAsync(upstream, isDown: true, (packet, _) => (_front, packet, browser));
        return upstream;
    }

    private async Task ForwardAsync(Socket socket, bool isDown, Func<byte[], EndPoint, (Socket Socket, byte[] Packet, EndPoint To)> route)
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

            var (via, packet, to) = route(buffer[..received.ReceivedBytes], received.RemoteEndPoint);
            if (isDown && Rate > 0)
            {
                Enqueue(via, packet, to);
                continue;
            }

            Interlocked.Increment(ref _passed);
            _ = SendLaterAsync(via, packet, to, delay);
        }
    }

    private void Enqueue(Socket via, byte[] packet, EndPoint to)
    {
        lock (_randomLock)
        {
            var now = Stopwatch.GetElapsedTime(0);
            var begins = _freeAt > now ? _freeAt : now;
            if (begins - now > MaxQueue)
            {
                Interlocked.Increment(ref _lost);
                return;
            }

            Interlocked.Increment(ref _passed);
            _freeAt = begins + TimeSpan.FromSeconds(packet.Length * 8d / Rate);
            _queue.Writer.TryWrite(new Queued(_freeAt, via, packet, to));
        }
    }

    // One after another, so that none overtakes.
    private async Task ServeQueueAsync()
    {
        try
        {
            await foreach (var next in _queue.Reader.ReadAllAsync(_stop.Token))
            {
                var wait = next.At - Stopwatch.GetElapsedTime(0);
                if (wait > TimeSpan.Zero)
                {
                    await Task.Delay(wait, _stop.Token);
                }

                await next.Via.SendToAsync(next.Packet, SocketFlags.None, next.To, _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            _queue.Writer.TryComplete();
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
