using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using VoiceCluster.Media.Mixing;

// Time of one frame of a room's mix (20 ms), in microseconds of one core: speakers who only speak, speakers who listen as well and
// so need an encoder each, and silent listeners who share one. Payloads are random bits of a 64 kbit/s stream, which decode to
// noise: the dearest sound there is. Each line is the median of the rounds.
const int Frames = 500;
var rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
var payloads = new byte[50][];
var random = new Random(1);
for (var i = 0; i < payloads.Length; i++)
{
    payloads[i] = new byte[160];
    random.NextBytes(payloads[i]);

    // One frame of 20 ms, full band, mono (RFC 6716 §3.1: configuration 31).
    payloads[i][0] = 0xF8;
}

var calibration = new List<double>();
(int Speakers, int Listening, int Silent)[] rooms = [(1, 0, 1), (3, 0, 1), (3, 0, 100), (3, 3, 100), (16, 0, 100), (16, 16, 100)];
Measure(rooms[0]);
foreach (var room in rooms)
{
    List<double> times = [];
    for (var i = 0; i < rounds; i++)
    {
        calibration.Add(Calibrate());
        times.Add(Measure(room));
    }

    Console.WriteLine($"{room.Speakers} speakers, {room.Listening} of them listen, {room.Silent} silent listeners: {Median(times):N0} µs a frame");
}

Console.WriteLine($"calibration: SHA-256 of 1 MiB {Median(calibration):N0} MB/s");

double Measure((int Speakers, int Listening, int Silent) room)
{
    using var mixer = new Mixer();
    var sources = Enumerable.Range(0, room.Speakers).Select(i => mixer.AddSource($"speaker {i}")).ToArray();
    var sink = new NullSink();
    for (var i = 0; i < room.Listening; i++)
    {
        mixer.AddListener($"speaker {i}", sink);
    }

    for (var i = 0; i < room.Silent; i++)
    {
        mixer.AddListener($"listener {i}", sink);
    }

    var now = 1_000_000L;
    var sequence = 0;
    Run(50);
    var clock = Stopwatch.StartNew();
    Run(Frames);
    return clock.Elapsed.TotalMicroseconds / Frames;

    void Run(int frames)
    {
        for (var i = 0; i < frames; i++, sequence++)
        {
            now += Mixer.FrameTime;
            for (var s = 0; s < sources.Length; s++)
            {
                sources[s].Push(sequence, (uint)(sequence * Mixer.FrameSamples), payloads[(sequence + s) % payloads.Length], now);
            }

            mixer.Advance(now);
        }
    }
}

static double Calibrate()
{
    var data = new byte[1 << 20];
    var clock = Stopwatch.StartNew();
    SHA256.HashData(data);
    return 1 / clock.Elapsed.TotalSeconds;
}

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

/// <summary>Takes frames and does nothing with them.</summary>
internal sealed class NullSink : IMixSink
{
    public bool IsListening => true;

    public void OnMixed(ReadOnlySpan<byte> opus, long timestamp, bool begins, long now)
    {
    }
}
