using BenchmarkDotNet.Attributes;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Bench.Packets;

/// <summary>Parsing, and what a router does with a packet: find its stream, account for it, rewrite it for each of 50 receivers.</summary>
[MemoryDiagnoser]
public class RoutingBenchmarks
{
    private const int Receivers = 50;

    private readonly Voice _voice = new();
    private readonly Picture _picture = new();
    private NullTransport _from = null!;
    private NullTransport _camera = null!;
    private readonly RedVoice _redundant = new();
    private NullTransport _toRed = null!;
    private NullTransport _toPlain = null!;
    private long _now = 1_000_000;

    /// <summary>A room with one voice and its listeners.</summary>
    [GlobalSetup]
    public void Open()
    {
        var router = new Router("room");
        var cinema = new Router("cinema");
        _camera = new NullTransport(cinema, "camera");
        _camera.Produce("picture", MediaKind.Video, Picture.Parameters, paused: false, _now);
        _from = new NullTransport(router, "from");
        _from.Produce("voice", MediaKind.Audio, Voice.Parameters, paused: false, _now);
        _toRed = Open("red", SupportedCapabilities.Create(withRed: true));
        _toPlain = Open("plain", Router.RtpCapabilities);
        for (var i = 0; i < Receivers; i++)
        {
            new NullTransport(router, $"to{i}").Consume($"c{i}", "voice", Router.RtpCapabilities, paused: false, _now);
            new NullTransport(cinema, $"to{i}").Consume($"c{i}", "picture", Router.RtpCapabilities, paused: false, _now);
        }
    }

    /// <summary>The fixed header and the bounds of extension and payload.</summary>
    [Benchmark]
    public bool Parse() => RtpPacket.TryParse(_voice.Current, out _);

    /// <summary>One source packet to 50 receivers, a fiftieth of it: rewriting without SRTP and without sending.</summary>
    [Benchmark(OperationsPerInvoke = Receivers)]
    public void RouteAndRewrite()
    {
        _now += 20_000;
        _from.ReceiveRtp(_voice.Next(), _now);
    }

    /// <summary>The same with redundancy, to receivers that take it.</summary>
    [Benchmark(OperationsPerInvoke = Receivers)]
    public void RouteAndRewriteRed()
    {
        _now += 20_000;
        _toRed.ReceiveRtp(_redundant.Next(), _now);
    }

    /// <summary>The same to receivers of plain Opus.</summary>
    [Benchmark(OperationsPerInvoke = Receivers)]
    public void RouteAndUnpackRed()
    {
        _now += 20_000;
        _toPlain.ReceiveRtp(_redundant.Next(), _now);
    }

    /// <summary>The same with a packet of VP8, a frame by itself.</summary>
    [Benchmark(OperationsPerInvoke = Receivers)]
    public void RouteAndRewriteVideo()
    {
        _now += 33_000;
        var before = NullTransport.Sent;
        _camera.ReceiveRtp(_picture.Next(), _now);
        if (NullTransport.Sent - before < Receivers)
        {
            throw new InvalidOperationException($"{NullTransport.Sent - before} of {Receivers} went out.");
        }
    }

    // A room with one voice that has redundancy, and its listeners.
    private NullTransport Open(string room, RtpCapabilities capabilities)
    {
        var router = new Router(room);
        var from = new NullTransport(router, "from");
        from.Produce("voice", MediaKind.Audio, RedVoice.Parameters, paused: false, _now);
        for (var i = 0; i < Receivers; i++)
        {
            new NullTransport(router, $"to{i}").Consume($"c{i}", "voice", capabilities, paused: false, _now);
        }

        return from;
    }

    private sealed class NullTransport(Router router, string id) : Transport(router, id)
    {
        private readonly byte[] _buffer = new byte[Media.Net.Datagram.MaxSize];

        protected internal override Span<byte> RentPacket() => _buffer;

        public static long Sent { get; private set; }

        protected internal override void CommitRtp(int length, long now) => Sent++;

        protected internal override void CommitRtcp(int length, long now)
        {
        }
    }
}
