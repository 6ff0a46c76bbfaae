using BenchmarkDotNet.Attributes;
using VoiceCluster.Media.Mixing;

namespace VoiceCluster.Bench.Packets;

/// <summary>A frame of a room's mix, 20 ms: decoding the speakers, adding, encoding for those who listen.</summary>
[MemoryDiagnoser]
public class MixingBenchmarks : IMixSink
{
    private const int Payloads = 50;

    private readonly byte[][] _payloads = [.. Enumerable.Range(0, Payloads).Select(Payload)];
    private Mixer _mixer = null!;
    private MixSource[] _sources = [];
    private int _sequence;
    private long _now = 1_000_000;

    /// <summary>Who speaks.</summary>
    [Params(1, 3, 16)]
    public int Speakers { get; set; }

    /// <summary>Who of them listens, too, and so needs an encoder of its own; a hundred silent listeners share one.</summary>
    [Params(false, true)]
    public bool SpeakersListen { get; set; }

    /// <inheritdoc/>
    public bool IsListening => true;

    /// <summary>Opens the room and runs its first second.</summary>
    [GlobalSetup]
    public void Open()
    {
        _mixer = new Mixer();
        _sources = [.. Enumerable.Range(0, Speakers).Select(i => _mixer.AddSource($"speaker {i}"))];
        for (var i = 0; SpeakersListen && i < Speakers; i++)
        {
            _mixer.AddListener($"speaker {i}", this);
        }

        for (var i = 0; i < 100; i++)
        {
            _mixer.AddListener($"listener {i}", this);
        }

        for (var i = 0; i < 50; i++)
        {
            Frame();
        }
    }

    /// <summary>Frees encoders and decoders.</summary>
    [GlobalCleanup]
    public void Close() => _mixer.Dispose();

    /// <summary>A packet of each speaker, and one frame of the mix.</summary>
    [Benchmark]
    public void Frame()
    {
        _now += Mixer.FrameTime;
        for (var s = 0; s < _sources.Length; s++)
        {
            _sources[s].Push(_sequence, (uint)(_sequence * Mixer.FrameSamples), _payloads[(_sequence + s) % Payloads], _now);
        }

        _mixer.Advance(_now);
        _sequence++;
    }

    /// <inheritdoc/>
    public void OnMixed(ReadOnlySpan<byte> opus, long timestamp, bool begins, long now)
    {
    }

    /// <summary>Random bits of a 64 kbit/s stream decode to noise, the dearest sound there is; one frame of 20 ms, full band, mono (RFC 6716 §3.1).</summary>
    private static byte[] Payload(int seed)
    {
        var payload = new byte[160];
        new Random(seed).NextBytes(payload);
        payload[0] = 0xF8;
        return payload;
    }
}
