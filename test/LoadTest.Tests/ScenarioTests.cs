using System.Diagnostics;
using System.Text;
using System.Text.Json;
using VoiceCluster.Browser.Tests;

namespace VoiceCluster.LoadTest.Tests;

/// <summary>The real program against the real server.</summary>
public sealed class ScenarioTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task TwoRooms_SoundAndVideoWithChurn_EveryStreamIsReceived()
    {
        await using var server = await StandaloneServer.StartAsync("voicebench");

        var (exitCode, output, errors) = await RunAsync(
            "--url", server.Url, "--rooms", "2", "--publishers", "2", "--subscribers", "2", "--conference", "--video", "--frame-packets", "4",
            "--duration", "3s", "--warm-up", "1s", "--churn", "60", "--json", "-");

        Assert.True(exitCode == 0, $"{exitCode}\n{output}\n{errors}");
        using var json = JsonDocument.Parse(output);
        var report = json.RootElement;
        Assert.Equal(24, report.GetProperty("streamsExpected").GetInt64());
        Assert.InRange(report.GetProperty("streams").GetInt64(), 24, 1000);
        Assert.True(report.GetProperty("packetsReceived").GetInt64() > 0);
        Assert.True(report.GetProperty("latencyMicroseconds").GetProperty("p50").GetDouble() > 0);
        Assert.Equal("by the kernel", report.GetProperty("arrival").GetString());
        Assert.True(report.GetProperty("generatorLagMicroseconds").GetProperty("max").GetDouble() > 0);
        Assert.True(report.GetProperty("reportsSent").GetInt64() > 0);
        Assert.True(report.GetProperty("membersJoined").GetInt64() >= 8);
        Assert.True(report.GetProperty("churned").GetInt64() > 0, output);
        Assert.Equal(JsonValueKind.Null, report.GetProperty("firstFailure").ValueKind);
        Assert.True(report.GetProperty("server").GetProperty("cpuMicrosecondsPerPacket").GetDouble() > 0);
        Assert.True(report.GetProperty("server").GetProperty("memoryMB").GetDouble() > 0);
        Assert.Contains("measured", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SlotsOfTheVoiceService_EachReceivesTheLoudestOthers()
    {
        await using var server = await StandaloneServer.StartAsync("voicebench-slots");

        var (exitCode, output, errors) = await RunAsync(
            "--url", server.Url, "--slots", "2", "--publishers", "5", "--subscribers", "1", "--conference", "--lively",
            "--duration", "3s", "--warm-up", "1s", "--json", "-");

        Assert.True(exitCode == 0, $"{exitCode}\n{output}\n{errors}");
        using var json = JsonDocument.Parse(output);
        var report = json.RootElement;
        Assert.Equal(12, report.GetProperty("streamsExpected").GetInt64());
        Assert.Equal(12, report.GetProperty("streams").GetInt64());
        Assert.Equal(6, report.GetProperty("membersJoined").GetInt64());
        Assert.Equal(JsonValueKind.Null, report.GetProperty("firstFailure").ValueKind);
    }

    [Fact]
    public async Task GroAndTheProgramsClock_EveryStreamIsReceived_AndTheTableSaysSo()
    {
        await using var server = await StandaloneServer.StartAsync("voicebench-gro");

        var (exitCode, output, errors) = await RunAsync(
            "--url", server.Url, "--publishers", "1", "--subscribers", "3", "--no-audio", "--video", "--gro", "--arrival", "program",
            "--duration", "2s", "--warm-up", "1s", "--max-loss", "1");

        Assert.True(exitCode == 0, $"{exitCode}\n{output}\n{errors}");
        Assert.Contains("3 of 3", output, StringComparison.Ordinal);
        Assert.Contains("arrival by the program", output, StringComparison.Ordinal);
        Assert.Contains("receiving with UDP_GRO", output, StringComparison.Ordinal);
        Assert.Contains("generator lag", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_SendersAndReceivers_EveryStreamIsReceived()
    {
        var (admin, ports) = (FreePorts.Tcp(), FreePorts.UdpRange(40));
        await using var server = await StandaloneServer.StartAsync(
            "voicebench-plain", null, null, $"--Media:HttpPort={admin}", $"--Media:PlainPortRange={ports + StandaloneServer.MediaPorts}-{ports + 39}");
        string[] common =
        [
            "--url", server.Url, "--admin", $"http://127.0.0.1:{admin}", "--publishers", "2", "--subscribers", "3", "--duration", "2s", "--warm-up", "500ms",
            "--max-loss", "1", "--json", "-",
        ];
        string[][] runs =
        [
            ["--plain", "all", "--srtp", "gcm", "--conference"],
            ["--plain", "all", "--srtp", "cm", "--video", "--frame-packets", "4", "--payload-spread", "60"],
            ["--plain", "all", "--srtp", "none", "--churn", "120"],
            ["--plain", "subscribers", "--srtp", "cm", "--video"],
        ];
        int[] streams = [8, 12, 6, 12];
        for (var i = 0; i < runs.Length; i++)
        {
            var (exitCode, output, errors) = await RunAsync([.. common, .. runs[i]]);

            Assert.True(exitCode == 0, $"{string.Join(' ', runs[i])}: {exitCode}\n{output}\n{errors}");
            using var json = JsonDocument.Parse(output);
            var report = json.RootElement;
            Assert.Equal(streams[i], report.GetProperty("streamsExpected").GetInt64());
            Assert.True(report.GetProperty("streams").GetInt64() >= streams[i], output);
            Assert.Equal(JsonValueKind.Null, report.GetProperty("firstFailure").ValueKind);
            Assert.True(report.GetProperty("latencyMicroseconds").GetProperty("p50").GetDouble() > 0);
            Assert.Equal(runs[i].Contains("--churn"), report.GetProperty("churned").GetInt64() > 0);
        }
    }

    [Fact]
    public async Task Json_ToAFile_HasTheFigures_AndTheTableIsPrinted()
    {
        await using var server = await StandaloneServer.StartAsync("voicebench-json");
        var file = Path.GetTempFileName();
        try
        {
            var (exitCode, output, errors) = await RunAsync("--url", server.Url, "--subscribers", "2", "--duration", "1s", "--warm-up", "500ms", "--json", file);

            Assert.True(exitCode == 0, $"{exitCode}\n{output}\n{errors}");
            Assert.Contains("2 of 2", output, StringComparison.Ordinal);
            using var json = JsonDocument.Parse(await File.ReadAllTextAsync(file));
            Assert.Equal(2, json.RootElement.GetProperty("streams").GetInt64());
            Assert.Equal(0, json.RootElement.GetProperty("churned").GetInt64());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Loss_AboveTheLimit_IsExitCode1()
    {
        await using var server = await StandaloneServer.StartAsync("voicebench-loss", null, null, "--Media:Workers=1", "--Media:SocketBufferBytes=65536");
        using var process = Start("--url", server.Url, "--subscribers", "2", "--rate", "2000", "--duration", "3s", "--warm-up", "1s", "--max-loss", "0", "--json", "-");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = new StringBuilder();
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            errors.AppendLine(line);
            if (line.StartsWith("measured", StringComparison.Ordinal) && errors.ToString().Split("measured").Length == 2)
            {
                // The server stands still until its socket has overflowed: what the kernel drops then is lost for good.
                await Command.RunAsync(".", "kill", "-STOP", $"{server.ProcessId}");
                var deadline = Stopwatch.StartNew();
                while (Drops(server) == 0 && deadline.Elapsed < TimeSpan.FromSeconds(20))
                {
                    await Task.Delay(20);
                }

                await Command.RunAsync(".", "kill", "-CONT", $"{server.ProcessId}");
            }
        }

        await process.WaitForExitAsync(new CancellationTokenSource(Deadline).Token);
        Assert.True(Drops(server) > 0, $"{errors}");
        Assert.True(process.ExitCode == 1, $"{process.ExitCode}\n{await output}\n{errors}");
        using var json = JsonDocument.Parse(await output);
        Assert.True(json.RootElement.GetProperty("lossPercent").GetDouble() > 0);
        Assert.Equal(2, json.RootElement.GetProperty("streams").GetInt64());
    }

    [Fact]
    public async Task NoServer_SaysSo_WithExitCode1()
    {
        var (exitCode, output, errors) = await RunAsync("--url", $"http://127.0.0.1:{FreePorts.Tcp()}", "--duration", "1s");

        Assert.Equal(1, exitCode);
        Assert.Empty(output);
        Assert.Contains("voicebench: A member could not join voicebench-0", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongOption_SaysSo_WithExitCode2()
    {
        var (exitCode, _, errors) = await RunAsync("--rooms", "none");

        Assert.Equal(2, exitCode);
        Assert.Contains("--rooms is 'none'", errors, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] args)
    {
        using var process = Start(args);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"voicebench did not end within {Deadline}:\n{await output}\n{await errors}");
        }

        return (process.ExitCode, await output, await errors);
    }

    private static Process Start(params string[] args) => Process.Start(new ProcessStartInfo("dotnet", [typeof(BenchOptions).Assembly.Location, .. args])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    /// <summary>What the kernel has dropped at the server's media ports: the last column of /proc/net/udp.</summary>
    private static long Drops(StandaloneServer server) => File.ReadLines("/proc/net/udp").Skip(1)
        .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(c => Convert.ToInt32(c[1].Split(':')[1], 16) is var port && port >= server.FirstMediaPort && port < server.FirstMediaPort + StandaloneServer.MediaPorts)
        .Sum(c => long.Parse(c[^1], System.Globalization.CultureInfo.InvariantCulture));
}
