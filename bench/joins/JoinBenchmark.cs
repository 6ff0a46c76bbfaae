using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using VoiceCluster.Media.Dtls;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.Bench.Joins;

/// <summary>Keeps so many joins under way at a time for some seconds, and prints how many were done, how long they took and what they cost the server.</summary>
[SupportedOSPlatform("linux")]
internal static class JoinBenchmark
{
    private const int ServerProcessor = 0;

    /// <summary>Connected transports stay so long that each point has some thousand; then the oldest are closed.</summary>
    private const int Kept = 2_000;

    public static async Task RunAsync(int seconds, int[] counts)
    {
        var start = new ProcessStartInfo("taskset", ["-c", $"{ServerProcessor}", "dotnet", typeof(JoinBenchmark).Assembly.Location, "server", $"{ServerProcessor}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using var server = Process.Start(start)!;
        var answers = new BlockingCollection<string>();
        var reading = Task.Run(async () =>
        {
            while (await server.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                answers.Add(line);
            }

            answers.CompleteAdding();
        });
        server.StandardInput.AutoFlush = true;

        // The certificate is the clients' own; browsers make one a page, not one a connection.
        using var dtls = new DtlsContext(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
        var point = new Point(server, answers, dtls);
        point.Run(Math.Max(16, counts.Max()), TimeSpan.FromSeconds(6));
        Console.WriteLine("| at a time | joins/s | p50 / p99 ms | server CPU µs a join | server cores |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var count in counts)
        {
            Console.WriteLine(point.Run(count, TimeSpan.FromSeconds(seconds)));
        }

        server.StandardInput.Close();
        await server.WaitForExitAsync().ConfigureAwait(false);
        await reading.ConfigureAwait(false);
    }

    private sealed class Point(Process server, BlockingCollection<string> answers, DtlsContext dtls)
    {
        private readonly MonotonicClock _clock = new(TimeProvider.System);
        private readonly Dictionary<string, JoiningClient> _joining = [];
        private readonly Queue<JoiningClient> _connected = new();
        private readonly Queue<string> _cpu = new();
        private int _ids;

        public string Run(int atATime, TimeSpan duration)
        {
            List<double> times = [];
            var cpu = Cpu();
            var begun = _clock.Now;
            var end = begun + (long)duration.TotalMicroseconds;
            long now;
            while ((now = _clock.Now) < end)
            {
                while (_joining.Count < atATime)
                {
                    var id = (++_ids).ToString(CultureInfo.InvariantCulture);
                    _joining[id] = new JoiningClient(id, dtls, _clock.Now);
                    server.StandardInput.WriteLine($"create {id}");
                }

                TakeAnswers(now);
                foreach (var client in _joining.Values.ToArray())
                {
                    client.Run(now);
                    if (client.IsConnected)
                    {
                        times.Add((_clock.Now - client.Asked) / 1000d);
                        Keep(client);
                    }
                }
            }

            var used = Cpu() - cpu;
            var elapsed = _clock.Now - begun;
            foreach (var client in _joining.Values)
            {
                client.Dispose();
            }

            _joining.Clear();
            times.Sort();
            return string.Create(CultureInfo.InvariantCulture,
                $"| {atATime} | {times.Count * 1e6 / elapsed:0} | {At(times, 0.5):0.00} / {At(times, 0.99):0.00} | {used / (double)times.Count:0} | {used / (double)elapsed:0.00} |");
        }

        private void Keep(JoiningClient client)
        {
            _joining.Remove(client.Id);
            _connected.Enqueue(client);
            if (_connected.Count > Kept)
            {
                using var oldest = _connected.Dequeue();
                server.StandardInput.WriteLine($"close {oldest.Id}");
            }
        }

        private void TakeAnswers(long now)
        {
            while (answers.TryTake(out var line))
            {
                var words = line.Split(' ', 3);
                if (words[0] == "cpu")
                {
                    _cpu.Enqueue(words[2]);
                }
                else if (words[0] == "create" && _joining.TryGetValue(words[1], out var client))
                {
                    var fingerprint = client.Describe(words[2], now);
                    server.StandardInput.WriteLine($"connect {client.Id} {fingerprint.Algorithm} {fingerprint.Value}");
                }
                else if (words[0] == "fault")
                {
                    throw new InvalidOperationException(line);
                }
            }
        }

        private long Cpu()
        {
            server.StandardInput.WriteLine("cpu");
            while (_cpu.Count == 0)
            {
                TakeAnswers(_clock.Now);
            }

            return long.Parse(_cpu.Dequeue(), CultureInfo.InvariantCulture);
        }

        private static double At(List<double> sorted, double share) => sorted.Count == 0 ? 0 : sorted[(int)(share * (sorted.Count - 1))];
    }
}
