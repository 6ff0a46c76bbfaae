using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.Bench.Joins;

/// <summary>Keeps so many joins under way at a time for some seconds, and prints how many were done, how long they took and what they cost the server.</summary>
[SupportedOSPlatform("linux")]
internal static class JoinBenchmark
{
    private const int ServerProcessor = 0;

    /// <summary>Connected transports stay so long that each point has some thousand; then the oldest are closed.</summary>
    private const int Kept = 2_000;

    /// <summary>The compiler is at rest when it takes less than this share of the processor in a step of warm-up.</summary>
    private const double CompilerAtRest = 0.01;

    public static async Task RunAsync(int seconds, int[] counts)
    {
        var folder = Directory.CreateTempSubdirectory("joins-");
        try
        {
            var path = Path.Combine(folder.FullName, "steering");
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            using var server = Process.Start("taskset", ["-c", $"{ServerProcessor}", "dotnet", typeof(JoinBenchmark).Assembly.Location, "server", $"{ServerProcessor}", path]);
            using (var line = new SteeringLine(await listener.AcceptAsync().ConfigureAwait(false)))
            {
                line.Socket.Blocking = false;
                Measure(line, seconds, counts);
            }

            await server.WaitForExitAsync().ConfigureAwait(false);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Measure(SteeringLine line, int seconds, int[] counts)
    {
        // The certificate is the clients' own; browsers make one a page, not one a connection.
        using var dtls = new DtlsContext(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
        using var point = new Point(line, dtls);
        var warmUp = TimeSpan.Zero;
        Result result;
        do
        {
            var step = TimeSpan.FromSeconds(4);
            result = point.Run(Math.Max(16, counts.Max()), step);
            warmUp += step;
        }
        while (warmUp < TimeSpan.FromSeconds(8) || (result.Compiler > CompilerAtRest && warmUp < TimeSpan.FromSeconds(40)));

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"warm-up {warmUp.TotalSeconds:0} s, the compiler's share of the server's core at its end {result.Compiler:0.000}"));
        Console.WriteLine("| at a time | joins/s | p50 / p99 ms | server CPU µs a join | server cores | of that compiler | allocated kB a join | collections, paused ms |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var count in counts)
        {
            Console.WriteLine(point.Run(count, TimeSpan.FromSeconds(seconds)).Row);
        }
    }

    /// <summary>What a point printed, and the compiler's share of a core.</summary>
    private readonly record struct Result(string Row, double Compiler);

    /// <summary>What the server has used since its start.</summary>
    private readonly record struct Usage(long Cpu, long Compiler, long Collections, long Paused, long Allocated);

    private sealed class Point(SteeringLine line, DtlsContext dtls) : IDisposable
    {
        private const int LineToken = 0;

        private readonly MonotonicClock _clock = new(TimeProvider.System);
        private readonly Dictionary<int, JoiningClient> _joining = [];
        private readonly Queue<JoiningClient> _connected = new();
        private readonly List<double> _times = [];

        // Only for its waiting: on this core nothing else is to be done, so it never sleeps.
        private readonly LinuxUdpSocket _waiter = Watching(line.Socket);
        private Usage? _usage;
        private int _numbers;

        public Result Run(int atATime, TimeSpan duration)
        {
            _times.Clear();
            var before = ReadUsage();
            var begun = _clock.Now;
            var end = begun + (long)duration.TotalMicroseconds;
            long now;
            while ((now = _clock.Now) < end)
            {
                while (_joining.Count < atATime)
                {
                    var client = new JoiningClient(++_numbers, dtls, _clock.Now);
                    _joining[client.Number] = client;
                    _waiter.WaitAlsoFor(client.Socket, client.Number);
                    line.Write($"create {client.Number}");
                }

                line.Flush();
                TakeWhatCame();
                foreach (var client in _joining.Values)
                {
                    client.Run(now);
                }
            }

            var used = ReadUsage();
            var elapsed = _clock.Now - begun;
            foreach (var client in _joining.Values)
            {
                _waiter.WaitNoMoreFor(client.Socket);
                line.Write($"close {client.Number}");
                client.Dispose();
            }

            _joining.Clear();
            _times.Sort();
            var compiler = (used.Compiler - before.Compiler) / (double)elapsed;
            double joins = Math.Max(1, _times.Count);
            var row = string.Create(
                CultureInfo.InvariantCulture,
                $"| {atATime} | {_times.Count * 1e6 / elapsed:0} | {At(0.5):0.00} / {At(0.99):0.00} | {(used.Cpu - before.Cpu) / joins:0} | {(used.Cpu - before.Cpu) / (double)elapsed:0.00} | {compiler:0.000} | {(used.Allocated - before.Allocated) / joins / 1024:0.0} | {used.Collections - before.Collections}, {(used.Paused - before.Paused) / 1000d:0.0} |");
            return new Result(row, compiler);
        }

        public void Dispose()
        {
            foreach (var client in _connected)
            {
                client.Dispose();
            }

            _waiter.Dispose();
        }

        private static LinuxUdpSocket Watching(Socket socket)
        {
            var waiter = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), 64 * 1024);
            waiter.WaitAlsoFor(socket, LineToken);
            return waiter;
        }

        private void TakeWhatCame()
        {
            _waiter.Wait(0);
            while (_waiter.TryTakeReady(out var token))
            {
                var now = _clock.Now;
                if (token == LineToken)
                {
                    TakeAnswers(now);
                }
                else if (_joining.TryGetValue(token, out var client))
                {
                    client.Receive(now);
                    if (client.IsConnected)
                    {
                        _times.Add((_clock.Now - client.Asked) / 1000d);
                        Keep(client);
                    }
                }
            }
        }

        private void Keep(JoiningClient client)
        {
            _joining.Remove(client.Number);
            _waiter.WaitNoMoreFor(client.Socket);
            client.Release();
            _connected.Enqueue(client);
            if (_connected.Count > Kept)
            {
                using var oldest = _connected.Dequeue();
                line.Write($"close {oldest.Number}");
            }
        }

        private void TakeAnswers(long now)
        {
            foreach (var answer in line.Read() ?? throw new InvalidOperationException("The server ended."))
            {
                var words = answer.Split(' ', 3);
                if (words[0] == "cpu")
                {
                    var numbers = words[2].Split(' ').Select(n => long.Parse(n, CultureInfo.InvariantCulture)).ToArray();
                    _usage = new Usage(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
                }
                else if (words[0] == "create" && _joining.TryGetValue(int.Parse(words[1], CultureInfo.InvariantCulture), out var client))
                {
                    var fingerprint = client.Describe(words[2], now);
                    line.Write($"connect {client.Number} {fingerprint.Algorithm} {fingerprint.Value}");
                }
                else if (words[0] == "fault")
                {
                    throw new InvalidOperationException(answer);
                }
            }

            line.Flush();
        }

        private Usage ReadUsage()
        {
            _usage = null;
            line.Write("cpu");
            line.Flush();
            while (_usage is null)
            {
                TakeWhatCame();
            }

            return _usage.Value;
        }

        private double At(double share) => _times.Count == 0 ? 0 : _times[(int)(share * (_times.Count - 1))];
    }
}
