using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>The sample client as a process: it sends a tone over UDP, and writes what it hears.</summary>
internal sealed class NativeClient : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string _file;
    private readonly ConcurrentQueue<string> _lines = new();

    private NativeClient(string url, string channel, string name, params string[] more)
    {
        _file = Path.Combine(Repository.Artifacts, $"{name}-{Guid.NewGuid():N}.wav");
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(
                "dotnet",
                [Repository.RelayClient, "--url", url.Replace("http", "ws", StringComparison.Ordinal), "--channel", channel, "--user", name, "--write", _file, .. more])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        _process.OutputDataReceived += (_, e) => _lines.Enqueue(e.Data ?? "");
        _process.ErrorDataReceived += (_, e) => _lines.Enqueue(e.Data ?? "");
    }

    /// <summary>Joins; it stays until <see cref="EndAsync"/>, or as long as a test may take.</summary>
    public static async Task<NativeClient> JoinAsync(StandaloneServer server, string channel, string name, int? toneHz = null, params string[] more)
    {
        NativeClient client = new(
            server.Url,
            channel,
            name,
            ["--seconds", "180", .. toneHz is { } hz ? ["--tone", hz.ToString(CultureInfo.InvariantCulture)] : Array.Empty<string>(), .. more]);
        client._process.Start();
        client._process.BeginOutputReadLine();
        client._process.BeginErrorReadLine();
        await client.SaysAsync("ChannelJoined");
        return client;
    }

    /// <summary>Waits until the server has told it something.</summary>
    public async Task SaysAsync(string message)
    {
        for (var since = Stopwatch.StartNew(); !_lines.Any(l => l.StartsWith($"{{\"{message}\"", StringComparison.Ordinal)); await Task.Delay(20))
        {
            Assert.True(since.Elapsed < Deadline, $"{message} did not come.\n{string.Join('\n', _lines)}");
        }
    }

    /// <summary>Waits until its file has so many more seconds.</summary>
    public async Task HasHeardAsync(int seconds)
    {
        var enough = Length() + (seconds * 96_000);
        for (var since = Stopwatch.StartNew(); Length() < enough; await Task.Delay(50))
        {
            Assert.True(since.Elapsed < Deadline, $"Nothing was written.\n{string.Join('\n', _lines)}");
        }
    }

    private long Length() => new FileInfo(_file) is { Exists: true, Length: var length } ? length : 0;

    /// <summary>Lets it leave, by SIGTERM; gives what it counted, and what it heard.</summary>
    public async Task<(NativeSummary Summary, float[] Heard)> EndAsync()
    {
        await Command.RunAsync(Repository.Root, "kill", "-TERM", _process.Id.ToString(CultureInfo.InvariantCulture));
        using CancellationTokenSource deadline = new(Deadline);
        await _process.WaitForExitAsync(deadline.Token);
        Assert.True(_process.ExitCode == 0, string.Join('\n', _lines));
        var line = _lines.Last(l => l.StartsWith("{\"Summary\"", StringComparison.Ordinal));
        var summary = JsonSerializer.Deserialize<JsonElement>(line).GetProperty("Summary").Deserialize<NativeSummary>()!;
        var bytes = await File.ReadAllBytesAsync(_file);
        var heard = new float[(bytes.Length - 44) / 2];
        for (var i = 0; i < heard.Length; i++)
        {
            heard[i] = BitConverter.ToInt16(bytes, 44 + (i * 2)) / 32_768f;
        }

        return (summary, heard);
    }

    /// <summary>The amplitude of a tone in the loudest second.</summary>
    public static double Amplitude(float[] heard, double hz)
    {
        var best = 0d;
        for (var start = 0; start + 48_000 <= heard.Length; start += 12_000)
        {
            var (sine, cosine) = (0d, 0d);
            for (var i = 0; i < 48_000; i++)
            {
                var phase = 2 * Math.PI * hz * i / 48_000;
                sine += heard[start + i] * Math.Sin(phase);
                cosine += heard[start + i] * Math.Cos(phase);
            }

            best = Math.Max(best, 2 * Math.Sqrt((sine * sine) + (cosine * cosine)) / 48_000);
        }

        return best;
    }

    /// <summary>
    /// The amplitude of a tone in the loudest 100 ms, through a Hann window. A mix follows the clocks of its speakers by half a percent, so that over a whole
    /// second on a busy machine a tone in it is not of one frequency, and would cancel itself out.
    /// </summary>
    public static double Loudness(float[] heard, double hz)
    {
        const int Window = 4_800;
        var best = 0d;
        for (var start = 0; start + Window <= heard.Length; start += Window / 2)
        {
            var (sine, cosine) = (0d, 0d);
            for (var i = 0; i < Window; i++)
            {
                var (phase, weight) = (2 * Math.PI * hz * i / 48_000, 0.5 - (0.5 * Math.Cos(2 * Math.PI * i / Window)));
                sine += heard[start + i] * weight * Math.Sin(phase);
                cosine += heard[start + i] * weight * Math.Cos(phase);
            }

            best = Math.Max(best, 4 * Math.Sqrt((sine * sine) + (cosine * cosine)) / Window);
        }

        return best;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        File.Delete(_file);
    }
}

/// <summary>What a native client counted.</summary>
internal sealed record NativeSummary(long Sent, long Received, long Lost, Guid[] Heard);
