using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

// Messages stored a second, by writers that each wait for the answer before the next message; then the memory of idle sessions.
//   VoiceCluster.Bench.Chat <url> <seconds a level> <server's pid> <sessions> <writers>...
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var (seconds, server, sessions) = (int.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[2], CultureInfo.InvariantCulture), int.Parse(args[3], CultureInfo.InvariantCulture));
using HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 1_000 }) { BaseAddress = new Uri(args[0]) };

Console.WriteLine("| writers | into | messages/s | p50 ms | p99 ms | load |");
Console.WriteLine("|---|---|---|---|---|---|");
foreach (var writers in args[4..].Select(w => int.Parse(w, CultureInfo.InvariantCulture)))
{
    await MeasureAsync(writers, one: true);
    await MeasureAsync(writers, one: false);
}

var before = Resident();
List<string> made = [];
for (var i = 0; i < sessions; i += 50)
{
    made.AddRange(await Task.WhenAll(Enumerable.Range(0, Math.Min(50, sessions - i)).Select(_ => SessionAsync())));
}

await Task.WhenAll(made.Chunk(Math.Max(1, made.Count / 20)).Select(async part =>
{
    foreach (var session in part)
    {
        await SendAsync(session, "user0", 0);
    }
}));
Console.WriteLine($"{sessions} active sessions of 2 with a message each: {before} kB before, {Resident()} kB after, {(Resident() - before) / (double)sessions:0.00} kB a session");

async Task MeasureAsync(int writers, bool one)
{
    var shared = await SessionAsync();
    string[] own = one ? [] : await Task.WhenAll(Enumerable.Range(0, writers).Select(_ => SessionAsync()));
    using CancellationTokenSource end = new();
    List<double>[] times = [.. Enumerable.Range(0, writers).Select(_ => new List<double>())];

    // A tenth to warm up.
    var warm = Stopwatch.StartNew();
    var running = Task.WhenAll(times.Select((mine, i) => Task.Run(async () =>
    {
        for (var n = 0; !end.IsCancellationRequested; n++)
        {
            var since = Stopwatch.GetTimestamp();
            await SendAsync(one ? shared : own[i], $"user{i % 2}", n);
            if (warm.Elapsed > TimeSpan.FromSeconds(seconds / 10.0))
            {
                mine.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
            }
        }
    })));
    await Task.Delay(TimeSpan.FromSeconds(seconds));
    await end.CancelAsync();
    await running;
    double[] all = [.. times.SelectMany(t => t).Order()];
    Console.WriteLine(
        $"| {writers} | {(one ? "one session" : "a session each")} | {all.Length / (seconds * 0.9):0} | {all[all.Length / 2]:0.0} | {all[(int)(all.Length * 0.99)]:0.0} | {File.ReadAllText("/proc/loadavg").Split(' ')[0]} |");
}

async Task<string> SessionAsync()
{
    using var answer = await http.PostAsJsonAsync("/chat/session", new { creatorId = "user0", participants = new[] { "user1" } });
    return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>()).GetProperty("data").GetProperty("id").GetString()!;
}

async Task SendAsync(string session, string sender, int number)
{
    using var answer = await http.PostAsJsonAsync("/chat/message", new { sessionId = session, senderId = sender, message = $"Message {number} of an ordinary length, as people write them." });
    answer.EnsureSuccessStatusCode();
}

long Resident() => long.Parse(
    File.ReadLines($"/proc/{server}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
    CultureInfo.InvariantCulture);
