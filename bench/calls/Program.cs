// Call set-ups over REST and WebSocket: calls URL CLIENTS SECONDS SERVER_PID POSTMASTER_PID [LEVEL...]
// Of the connected clients each two are a pair with a chat. At a level of N, N pairs at a time call, ring, answer and hang up.
using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using VoiceCluster.Bench.Calls;

if (args.Length < 5)
{
    Console.Error.WriteLine("usage: calls URL CLIENTS SECONDS SERVER_PID POSTMASTER_PID [LEVEL...]");
    return 2;
}

var clients = Number(args[1]);
var duration = TimeSpan.FromSeconds(Number(args[2]));
var (server, postmaster) = (Number(args[3]), Number(args[4]));
int[] levels = args.Length > 5 ? [.. args[5..].Select(Number)] : [1, 8, 32, 128];

using SocketsHttpHandler handler = new() { MaxConnectionsPerServer = 512 };
using HttpClient http = new(handler) { BaseAddress = new Uri(args[0]), Timeout = TimeSpan.FromSeconds(60) };
var pairs = await ConnectAsync(http, clients);
Console.WriteLine($"{clients} clients connected; {Environment.ProcessorCount} processors; load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}");
Console.WriteLine("| pairs at a time | set-ups/s | ring p50 / p99 ms | set-up p50 / p99 ms | server, PostgreSQL, clients: cores | failed |");
Console.WriteLine("|---|---|---|---|---|---|");
foreach (var level in levels)
{
    await RunAsync(pairs, level, TimeSpan.FromSeconds(2));
    var before = (Server: ProcessorTime.Of(server), Store: ProcessorTime.OfChildren(postmaster), Own: Process.GetCurrentProcess().TotalProcessorTime);
    var figures = await RunAsync(pairs, level, duration);
    var seconds = figures.Elapsed.TotalSeconds;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {level} | {figures.SetUps.Count / seconds:F0} | {At(figures.Rings, 50):F1} / {At(figures.Rings, 99):F1} "
        + $"| {At(figures.SetUps, 50):F1} / {At(figures.SetUps, 99):F1} "
        + $"| {(ProcessorTime.Of(server) - before.Server).TotalSeconds / seconds:F2}, {(ProcessorTime.OfChildren(postmaster) - before.Store).TotalSeconds / seconds:F2}, "
        + $"{(Process.GetCurrentProcess().TotalProcessorTime - before.Own).TotalSeconds / seconds:F2} | {figures.Failures} |"));
}

foreach (var pair in pairs)
{
    await pair.Caller.DisposeAsync();
    await pair.Callee.DisposeAsync();
}

return 0;

static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

static double At(List<double> sorted, int percent) => sorted.Count == 0 ? 0 : sorted[Math.Min(sorted.Count - 1, sorted.Count * percent / 100)];

static async Task<Pair[]> ConnectAsync(HttpClient http, int clients)
{
    var pairs = new Pair[clients / 2];
    await Parallel.ForAsync(0, pairs.Length, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
    {
        var caller = await CallClient.ConnectAsync(http, $"caller-{i}");
        var callee = await CallClient.ConnectAsync(http, $"callee-{i}");
        var chat = await caller.SendAsync(HttpMethod.Post, "/api/v1/chats", new { member_ids = new[] { callee.Id } });
        pairs[i] = new Pair(chat.GetProperty("id").GetString()!, caller, callee);
    });
    return pairs;
}

static async Task<Figures> RunAsync(Pair[] pairs, int level, TimeSpan duration)
{
    Figures figures = new();
    var watch = Stopwatch.StartNew();
    await Task.WhenAll(Enumerable.Range(0, level).Select(worker => Task.Run(async () =>
    {
        // Each worker goes round pairs of its own, so that no pair is in two calls.
        for (var i = worker; watch.Elapsed < duration; i = i + level < pairs.Length ? i + level : worker)
        {
            try
            {
                figures.Add(await CallAsync(pairs[i]));
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or ChannelClosedException)
            {
                figures.Fail(e);
            }
        }
    })));
    figures.Finish(watch.Elapsed);
    return figures;
}

// From the caller's request: to the callee's ringing, and to the caller's hearing of the answer.
static async Task<(double Ring, double SetUp)> CallAsync(Pair pair)
{
    var since = Stopwatch.GetTimestamp();
    var request = pair.Caller.SendAsync(
        HttpMethod.Post, "/api/v1/calls", new { chat_id = pair.Chat, recipient_id = pair.Callee.Id, call_type = "voice" });
    var id = (await request).GetProperty("id").GetString()!;
    await pair.Callee.HearAsync("call:initiate", id);
    var ring = Stopwatch.GetElapsedTime(since).TotalMilliseconds;
    await pair.Callee.SendAsync(HttpMethod.Patch, $"/api/v1/calls/{id}", new { accept = true });
    await pair.Caller.HearAsync("call:accepted", id);
    var setUp = Stopwatch.GetElapsedTime(since).TotalMilliseconds;
    await pair.Caller.SendAsync(HttpMethod.Delete, $"/api/v1/calls/{id}");
    await pair.Callee.HearAsync("call:ended", id);
    return (ring, setUp);
}
