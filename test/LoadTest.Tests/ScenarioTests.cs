using System.Diagnostics;
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
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [typeof(BenchOptions).Assembly.Location, .. args])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
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
}
