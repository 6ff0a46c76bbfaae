using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using VoiceCluster.Bench.Recording;
using VoiceCluster.Media.Routing;

// A room of so many participants, each with sound of 48 kbit/s and, if any, VP8 of 1 Mbit/s at 30 frames a second, recorded to the
// disk as fast as it goes. The worker's share is what receiving costs more with the recorder than without; the writer's is all
// from the queue to the files. Each line is the median of the rounds. The mix is not in it: bench/Mixing measures that.
var rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
var seconds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 60;
Console.WriteLine($"{rounds} rounds of {seconds} s of media");
Run(1, true, 2);
foreach (var (participants, video) in ((int, bool)[])[(1, false), (10, false), (1, true), (10, true)])
{
    var results = Enumerable.Range(0, rounds).Select(_ => Run(participants, video, seconds)).ToArray();
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{participants} participants, {(video ? "video" : "sound")}: worker {Median(r => r.Worker):F2} ms/s, writer {Median(r => r.Writer):F2} ms/s, {Median(r => r.Memory):F0} KiB held, {Median(r => r.Bytes):F1} KiB/s written, {Median(r => r.Allocated):F1} KiB/s allocated by the writer"));

    double Median(Func<Result, double> read) => results.Select(read).Order().ElementAt(rounds / 2);
}

var calibration = Enumerable.Range(0, 20).Select(_ => Calibrate()).Order().ElementAt(10);
Console.WriteLine($"calibration: SHA-256 of 1 MiB {calibration:N0} MB/s");

static double Calibrate()
{
    var bytes = new byte[1024 * 1024];
    var since = Stopwatch.GetTimestamp();
    SHA256.HashData(bytes);
    return 1.048576 / Stopwatch.GetElapsedTime(since).TotalSeconds;
}

static Result Run(int participants, bool video, int seconds)
{
    var directory = Directory.CreateTempSubdirectory("bench-recording-").FullName;
    try
    {
        var plain = Receive(participants, video, seconds, null);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var files = new DiskFiles(directory);
        var recording = new Recording(files);
        var with = Receive(participants, video, seconds, recording);
        var held = GC.GetTotalMemory(forceFullCollection: true) - before - Recording.QueueBytes;
        recording.Finish();
        return new Result(
            (with - plain).TotalMilliseconds / seconds,
            recording.Time.TotalMilliseconds / seconds,
            held / 1024d,
            recording.Bytes / 1024d / seconds,
            recording.Allocated / 1024d / seconds);
    }
    finally
    {
        Directory.Delete(directory, recursive: true);
    }
}

// Feeds the room; answers the time that receiving took, the writer's left out.
static TimeSpan Receive(int participants, bool video, int seconds, Recording? recording)
{
    var router = new Router("bench", new RouterOptions { Seed = 1 });
    var senders = Enumerable.Range(0, participants).Select(i => new Sender(router, i, video)).ToArray();
    var now = 1_000_000L;
    recording?.Begin(router, now);
    var time = TimeSpan.Zero;
    for (var end = now + (seconds * 1_000_000L); now < end; now += 10_000)
    {
        var since = Stopwatch.GetTimestamp();
        foreach (var sender in senders)
        {
            sender.Send(now);
        }

        recording?.Recorder!.Advance(now);
        time += Stopwatch.GetElapsedTime(since);
        recording?.Write(now);
    }

    return time;
}

internal sealed record Result(double Worker, double Writer, double Memory, double Bytes, double Allocated);
