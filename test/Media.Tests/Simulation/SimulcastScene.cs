using System.Buffers.Binary;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>
/// One sender of sound and of a simulcast picture in virtual time (150 kbit/s, 500 kbit/s and 1.5 Mbit/s, each of three temporal
/// layers at 30 frames a second), and viewers behind links that have a rate and a queue.
/// </summary>
internal sealed partial class SimulcastScene
{
    public const long Second = 1_000_000;

    private static readonly int[] FrameSizes = [625, 2_083, 6_250];
    private static readonly int[] TemporalLayers = [0, 2, 1, 2];

    private readonly LoopbackTransport _sender;
    private readonly List<Viewer> _viewers = [];
    private readonly ushort[] _sequences = [100, 60_000, 40_000];
    private readonly long[] _keyWantedAt = [0, 0, 0];
    private readonly Queue<(byte[] Packet, bool IsRtcp, Viewer? From)> _atNode = new();
    private readonly byte[] _tl0 = new byte[3];
    private readonly bool _temporalLayers;
    private ushort _audioSequence;
    private long _nextAudio = 10 * Second;
    private long _nextFrame;
    private int _frame;

    /// <param name="simulcast">Three streams, else one of 150 kbit/s.</param>
    /// <param name="adapts">Whether receivers' networks are estimated.</param>
    /// <param name="temporalLayers">Else every frame is needed by the next.</param>
    public SimulcastScene(bool simulcast = true, bool adapts = true, bool temporalLayers = true)
    {
        _temporalLayers = temporalLayers;
        Router = new Router("room", new RouterOptions { Seed = 1, AdaptsVideo = adapts });
        _sender = new LoopbackTransport(Router, "sender") { RtcpSent = TakeFeedback };
        Encodings = simulcast ? 3 : 1;
        var parameters = MediaFixtures.Simulcast() with
        {
            Encodings = [.. Enumerable.Range(0, Encodings).Select(i => new RtpEncodingParameters { Rid = $"r{i}", ScalabilityMode = temporalLayers ? "L1T3" : "L1T1" })],
        };
        Assert.True(_sender.Produce("video", MediaKind.Video, parameters, false, Now).IsOk);
        Assert.True(_sender.Produce("audio", MediaKind.Audio, MediaFixtures.Audio(50), false, Now).IsOk);
    }

    public Router Router { get; }

    /// <summary>Whose sound and picture it is.</summary>
    public LoopbackTransport Sender => _sender;

    public int Encodings { get; }

    public long Now { get; private set; } = 10 * Second;

    /// <summary>What the sender was told last to stay below, bits a second; null before.</summary>
    public long? ToldBitrate { get; private set; }

    /// <summary>When the sender gets no processor: it sends nothing, and leaves pictures out.</summary>
    public Stalls? SenderStalls { get; set; }

    /// <summary>When the node gets no processor: what comes waits.</summary>
    public Stalls? NodeStalls { get; set; }

    /// <summary>µs from a request to the key frame's coming: network, encoder, pacer.</summary>
    public long KeyFrameDelay { get; set; } = 60_000;

    /// <summary>Key frames asked of the sender, per encoding.</summary>
    public int[] KeyFrameRequests { get; } = new int[3];

    public Viewer Join(string name, long rate, bool video = true)
    {
        var viewer = new Viewer(this, name, rate, video);
        _viewers.Add(viewer);
        return viewer;
    }

    public void Run(long duration)
    {
        for (var end = Now + duration; Now < end;)
        {
            Now += 1_000;
            if (SenderStalls?.At(Now) != true)
            {
                SendAudio();
                SendFrame();
            }

            foreach (var viewer in _viewers)
            {
                viewer.Tick(Now);
            }

            if (NodeStalls?.At(Now) != true)
            {
                RunNode();
            }
        }
    }

    /// <summary>Lets time pass until something holds; gives the seconds it took, or fails after so many.</summary>
    public double RunUntil(Func<bool> condition, double seconds, Func<string> state)
    {
        var start = Now;
        while (!condition())
        {
            Assert.True(Now - start < seconds * Second, $"not within {seconds} s: {state()}");
            Run(10_000);
        }

        return (Now - start) / (double)Second;
    }

    private void RunNode()
    {
        while (_atNode.TryDequeue(out var next))
        {
            if (next.IsRtcp)
            {
                next.From!.Transport.ReceiveRtcp(next.Packet, Now);
            }
            else
            {
                _sender.ReceiveRtp(next.Packet, Now);
            }
        }

        if (_sender.Deadline <= Now)
        {
            _sender.Advance(Now);
        }

        foreach (var viewer in _viewers)
        {
            if (viewer.Transport.Deadline <= Now)
            {
                viewer.Transport.Advance(Now);
                Assert.True(viewer.Transport.Deadline > Now, "a timer that is always due");
            }
        }
    }

    private void SendAudio()
    {
        while (Now >= _nextAudio)
        {
            // What a stall has held back comes at once.
            _nextAudio = Math.Max(_nextAudio, Now - 1_000_000) + 20_000;
            var payload = new byte[80];
            payload[0] = 0x78;
            BinaryPrimitives.WriteInt64BigEndian(payload.AsSpan(8), Now);
            _atNode.Enqueue((MediaFixtures.Packet(MediaFixtures.ClientOpus, 50, _audioSequence, _audioSequence * 960u, payload), false, null));
            _audioSequence++;
        }
    }

    private void SendFrame()
    {
        if (Now < _nextFrame)
        {
            return;
        }

        _nextFrame = Now + 33_333;
        for (var encoding = 0; encoding < Encodings; encoding++)
        {
            var isKey = Now >= _keyWantedAt[encoding];
            _keyWantedAt[encoding] = isKey ? long.MaxValue : _keyWantedAt[encoding];
            var layer = isKey || !_temporalLayers ? 0 : TemporalLayers[_frame % 4];
            _tl0[encoding] += (byte)(layer == 0 ? 1 : 0);
            var left = FrameSizes[encoding] * (isKey ? 3 : 1);
            for (var isFirst = true; left > 0; isFirst = false)
            {
                var length = Math.Min(left, 1_100);
                left -= length;
                var payload = MediaFixtures.Vp8Payload(isFirst, isKey, _frame & 0x7FFF, _tl0[encoding], layer, Math.Max(40, length));
                payload[20] = (byte)encoding;
                _atNode.Enqueue((
                    MediaFixtures.Packet(
                        MediaFixtures.ClientVp8, 70 + (uint)encoding, _sequences[encoding]++, (uint)(_frame * 3_000), payload, MediaFixtures.ClientMidId, "v1"u8.ToArray(), left <= 0,
                        MediaFixtures.ClientRidId, [(byte)'r', (byte)('0' + encoding)]),
                    false,
                    null));
            }
        }

        _frame++;
    }

    private void TakeFeedback(ReadOnlySpan<byte> compound, long now)
    {
        var reader = new RtcpReader(compound);
        while (reader.MoveNext())
        {
            if (reader.Current is { Type: RtcpType.PayloadFeedback, Count: PayloadFeedbackFormat.Application } && Remb.TryRead(reader.Current.FeedbackControl, out var remb))
            {
                ToldBitrate = remb.Bitrate;
            }

            if (reader.Current is { Type: RtcpType.PayloadFeedback, Count: PayloadFeedbackFormat.PictureLoss } && reader.Current.MediaSource.Value is >= 70 and < 73)
            {
                var encoding = (int)reader.Current.MediaSource.Value - 70;
                _keyWantedAt[encoding] = Math.Min(_keyWantedAt[encoding], now + KeyFrameDelay);
                KeyFrameRequests[encoding]++;
            }
        }
    }
}
