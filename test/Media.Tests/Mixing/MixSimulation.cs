using Concentus;
using Concentus.Enums;
using VoiceCluster.Media.Mixing;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Tests.Mixing;

/// <summary>A mixer in virtual time with speakers whose packets cross a network that can lose, delay and jitter.</summary>
internal sealed class MixSimulation : IDisposable
{
    public const int Rate = 48_000;

    private readonly PriorityQueue<(TestSpeaker Speaker, int Index), long> _inFlight = new();
    private readonly List<TestSpeaker> _speakers = [];
    private readonly Random _random = new(1);

    public MixSimulation(MixerOptions? options = null) => Mixer = new Mixer(options);

    public Mixer Mixer { get; }

    public long Now { get; private set; } = 1_000_000;

    /// <summary>Share of packets lost.</summary>
    public double Loss { get; init; }

    /// <summary>Delay beyond the least, µs, uniformly spread; it reorders.</summary>
    public long Jitter { get; init; }

    public TestSpeaker AddSpeaker(string owner, Func<double, float> sound, double clock = 1, IOpusEncoder? encoder = null)
    {
        var speaker = new TestSpeaker(Mixer.AddSource(owner), sound, clock, Now, encoder ?? TestSpeaker.CreateEncoder());
        _speakers.Add(speaker);
        return speaker;
    }

    public TestListener AddListener(string owner)
    {
        var listener = new TestListener();
        listener.Registration = Mixer.AddListener(owner, listener);
        return listener;
    }

    public void Run(long duration)
    {
        var end = Now + duration;
        while (Now < end)
        {
            Now += 1_000;
            foreach (var speaker in _speakers)
            {
                while (speaker.TrySend(Now, out var index))
                {
                    if (_random.NextDouble() >= Loss)
                    {
                        _inFlight.Enqueue((speaker, index), Now + 20_000 + _random.NextInt64(0, Jitter + 1));
                    }
                }
            }

            while (_inFlight.TryPeek(out var packet, out var at) && at <= Now)
            {
                _inFlight.Dequeue();
                packet.Speaker.Deliver(packet.Index, at);
            }

            Mixer.Advance(Now);
        }
    }

    public void Dispose()
    {
        foreach (var speaker in _speakers)
        {
            speaker.Dispose();
        }

        Mixer.Dispose();
    }
}

/// <summary>Encodes a sound as a client does, with a clock of its own.</summary>
internal sealed class TestSpeaker : IDisposable
{
    private readonly IOpusEncoder _encoder;
    private readonly List<byte[]> _packets = [];
    private readonly Func<double, float> _sound;
    private readonly double _clock;
    private readonly long _start;
    private readonly float[] _frame = new float[960];
    private readonly byte[] _buffer = new byte[1_500];

    public TestSpeaker(MixSource source, Func<double, float> sound, double clock, long start, IOpusEncoder encoder) =>
        (Source, _sound, _clock, _start, _encoder) = (source, sound, clock, start, encoder);

    public MixSource Source { get; }

    public bool IsSilent { get; set; }

    /// <summary>What was said, by sample.</summary>
    public List<float> Said { get; } = [];

    /// <summary>Music's mode, which keeps the waveform, so that it can be compared.</summary>
    public static IOpusEncoder CreateEncoder()
    {
        var encoder = OpusCodecFactory.CreateEncoder(MixSimulation.Rate, 1);
        encoder.Bitrate = 96_000;
        encoder.Complexity = 5;
        return encoder;
    }

    public bool TrySend(long now, out int index)
    {
        index = _packets.Count;
        if ((now - _start) * _clock < (index + 1) * 20_000L)
        {
            return false;
        }

        for (var i = 0; i < _frame.Length; i++)
        {
            _frame[i] = IsSilent ? 0 : _sound(((index * 960) + i) / (double)MixSimulation.Rate);
            Said.Add(_frame[i]);
        }

        var length = _encoder.Encode(_frame, 960, _buffer, _buffer.Length);
        _packets.Add(_buffer[..length]);
        return !IsSilent;
    }

    public void Deliver(int index, long at)
    {
        if (!IsSilent)
        {
            Source.Push(70_000 + index, 12_345u + (uint)(index * 960), _packets[index], at);
        }
    }

    public void Dispose() => _encoder.Dispose();
}

/// <summary>Decodes what the mixer sends, as a client does.</summary>
internal sealed class TestListener : IMixSink
{
    private readonly IOpusDecoder _decoder = OpusCodecFactory.CreateDecoder(MixSimulation.Rate, 1);
    private readonly float[] _frame = new float[Opus.MaxSamples];

    public MixListener? Registration { get; set; }

    public bool IsListening { get; set; } = true;

    /// <summary>All samples heard, one frame behind the other.</summary>
    public List<float> Heard { get; } = [];

    public List<byte[]> Packets { get; } = [];

    public List<long> Timestamps { get; } = [];

    public List<bool> Begins { get; } = [];

    public void OnMixed(ReadOnlySpan<byte> opus, long timestamp, bool begins, long now)
    {
        var samples = _decoder.Decode(opus, _frame, _frame.Length);
        Heard.AddRange(_frame.AsSpan(0, samples));
        Packets.Add(opus.ToArray());
        Timestamps.Add(timestamp);
        Begins.Add(begins);
    }
}

/// <summary>Sounds and comparisons.</summary>
internal static class Sound
{
    /// <summary>A chord whose pitch wanders, so that no other place of it looks like this one.</summary>
    public static Func<double, float> Chord(double pitch, double loudness) => t =>
    {
        var phase = 2 * Math.PI * ((pitch * t) + (20 * Math.Sin(2 * Math.PI * 0.3 * t)));
        return (float)(loudness * ((0.6 * Math.Sin(phase)) + (0.3 * Math.Sin(2.01 * phase)) + (0.1 * Math.Sin(3.02 * phase))));
    };

    public static Func<double, float> Tone(double pitch, double loudness) => t => (float)(loudness * Math.Sin(2 * Math.PI * pitch * t));

    /// <summary>Something like syllables: a rich tone that glides, six times a second between loud and nearly silent.</summary>
    public static Func<double, float> Speech(double pitch, double loudness) => t =>
    {
        var phase = 2 * Math.PI * ((pitch * t) + (6 * Math.Sin(2 * Math.PI * 1.1 * t)));
        var sum = 0d;
        for (var harmonic = 1; harmonic <= 12; harmonic++)
        {
            sum += Math.Sin(harmonic * phase) / harmonic;
        }

        return (float)(loudness * sum * Math.Pow(Math.Sin(Math.PI * 3 * t), 2));
    };

    public static float[] Sum(params IEnumerable<float>[] parts)
    {
        var lists = parts.Select(p => p.ToArray()).ToArray();
        var sum = new float[lists.Min(l => l.Length)];
        foreach (var list in lists)
        {
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += list[i];
            }
        }

        return sum;
    }

    /// <summary>Signal to noise in dB of what was heard against what it should be, at the delay where they fit best.</summary>
    public static double SignalToNoise(float[] reference, float[] heard, int maxDelay = 9_600)
    {
        var length = Math.Min(reference.Length, heard.Length) - maxDelay;
        Assert.True(length > MixSimulation.Rate / 2, "Too little was heard.");
        var best = double.NegativeInfinity;
        for (var delay = 0; delay < maxDelay; delay++)
        {
            // A part decides the delay; then all of it is measured.
            if (Ratio(reference, heard, delay, 4_800) > best - 1)
            {
                best = Math.Max(best, Ratio(reference, heard, delay, length));
            }
        }

        return best;
    }

    public static double Rms(IEnumerable<float> samples)
    {
        var list = samples as IReadOnlyCollection<float> ?? [.. samples];
        return Math.Sqrt(list.Sum(s => (double)s * s) / Math.Max(1, list.Count));
    }

    private static double Ratio(float[] reference, float[] heard, int delay, int length)
    {
        double signal = 0, noise = 0;
        var start = (reference.Length - delay - length) / 2;
        for (var i = start; i < start + length && i + delay < heard.Length; i++)
        {
            signal += (double)reference[i] * reference[i];
            noise += Math.Pow(reference[i] - heard[i + delay], 2);
        }

        return 10 * Math.Log10(signal / noise);
    }
}
