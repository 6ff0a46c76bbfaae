// Load without browsers. Prints one line of JSON.
//   churn URL CYCLES PARALLEL   pairs join one of 20 rooms, hear each other through DTLS-SRTP, and leave
//   mute URL ROUNDS             from pause-producer to the last packet that a listener gets
//   collect PID                 makes a .NET process collect its heap
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using VoiceCluster.Bench.Churn;
using VoiceCluster.Media.Dtls;

switch (args)
{
    case ["churn", var url, var cycles, var parallel]:
        await ChurnAsync(new Uri(url), Number(cycles), Number(parallel));
        return 0;
    case ["mute", var url, var rounds]:
        await MuteAsync(new Uri(url), Number(rounds));
        return 0;
    case ["collect", var pid]:
        await HeapCollection.RunAsync(Number(pid));
        return 0;
    default:
        Console.Error.WriteLine("usage: churn URL CYCLES PARALLEL | mute URL ROUNDS | collect PID");
        return 2;
}

static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

static DtlsContext Certificate() => new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));

static async Task ChurnAsync(Uri server, int cycles, int parallel)
{
    using var loop = new MediaLoop();
    using var certificate = Certificate();
    var next = 0;
    var failures = 0;
    string? firstFailure = null;
    var watch = Stopwatch.StartNew();
    await Task.WhenAll(Enumerable.Range(0, parallel).Select(worker => Task.Run(async () =>
    {
        int cycle;
        while ((cycle = Interlocked.Increment(ref next)) <= cycles)
        {
            try
            {
                // Each worker has rooms of its own, so that two pairs never meet: a room empties and opens again all the time.
                await PairAsync(server, loop, certificate, $"churn-{worker}-{cycle % (20 / parallel)}", politely: cycle % 2 == 0);
            }
            catch (Exception e)
            {
                // A failed cycle is a figure of its own; the run goes on and reports it.
                Interlocked.Increment(ref failures);
                Interlocked.CompareExchange(ref firstFailure, e.ToString(), null);
            }
        }
    })));
    Console.WriteLine(JsonSerializer.Serialize(new { cycles, failures, firstFailure, seconds = Math.Round(watch.Elapsed.TotalSeconds, 1) }));
}

// Half of the pairs leave by request, the others as a closed page does.
static async Task PairAsync(Uri server, MediaLoop loop, DtlsContext certificate, string room, bool politely)
{
    await using var alice = await Participant.JoinAsync(server, loop, room, "alice");
    await alice.TalkAsync(certificate);
    await using var bob = await Participant.JoinAsync(server, loop, room, "bob");
    await bob.TalkAsync(certificate);
    await bob.ListenAsync(certificate);
    await alice.ListenAsync(certificate);
    await Task.WhenAll(alice.HearAsync(), bob.HearAsync());
    if (politely)
    {
        await alice.LeaveAsync();
        await bob.LeaveAsync();
    }
}

static async Task MuteAsync(Uri server, int rounds)
{
    using var loop = new MediaLoop();
    using var certificate = Certificate();
    await using var alice = await Participant.JoinAsync(server, loop, "mute", "alice");
    await alice.TalkAsync(certificate);
    await using var bob = await Participant.JoinAsync(server, loop, "mute", "bob");
    await bob.ListenAsync(certificate);
    await bob.HearAsync();

    using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
    List<double> request = [], ack = [], silence = [], resume = [];
    for (var round = 0; round < rounds; round++)
    {
        // The waits below end right after a frame; a random part of two frames makes the request fall anywhere between them.
        await Task.Delay(Random.Shared.Next(40));
        var asked = MediaLoop.Now;
        await alice.SetPausedAsync(true);
        var acked = MediaLoop.Now;

        // 25 frames of the muted speaker pass before the last packet counts as the last.
        await UntilAsync(() => MediaLoop.Now - acked > 500_000);
        var last = bob.Receive!.LastHeard;
        request.Add(Milliseconds(acked - asked));
        silence.Add(Milliseconds(Math.Max(0, last - asked)));
        ack.Add(Milliseconds(Math.Max(0, last - acked)));

        var before = bob.Receive.PacketsHeard;
        var resumed = MediaLoop.Now;
        await alice.SetPausedAsync(false);
        await UntilAsync(() => bob.Receive.PacketsHeard > before);
        resume.Add(Milliseconds(MediaLoop.Now - resumed));
        await UntilAsync(() => bob.Receive.PacketsHeard > before + 10);
    }

    Console.WriteLine(JsonSerializer.Serialize(new { rounds, ackMs = Spread(request), silenceAfterRequestMs = Spread(silence), silenceAfterAckMs = Spread(ack), soundAfterResumeMs = Spread(resume) }));

    async Task UntilAsync(Func<bool> condition)
    {
        var deadline = MediaLoop.Now + 20_000_000;
        while (!condition())
        {
            if (MediaLoop.Now > deadline || !await ticks.WaitForNextTickAsync())
            {
                throw new TimeoutException("The state did not come within 20 s.");
            }
        }
    }

    static double Milliseconds(long microseconds) => Math.Round(microseconds / 1000d, 2);

    static object Spread(List<double> values)
    {
        values.Sort();
        return new { median = values[values.Count / 2], max = values[^1] };
    }
}
