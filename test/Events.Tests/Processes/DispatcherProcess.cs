using System.Diagnostics;
using System.Reflection;
using VoiceCluster.Browser.Tests;

namespace VoiceCluster.Events.Tests.Processes;

/// <summary>A process that publishes the outbox, and that may be killed.</summary>
internal sealed class DispatcherProcess : IAsyncDisposable
{
    private readonly Process _process;

    private DispatcherProcess(Process process) => _process = process;

    public static DispatcherProcess Start(string natsUrl, string database)
    {
        var configuration = typeof(DispatcherProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(a => a.Key == "Configuration").Value!;
        var program = Path.Combine(
            Repository.Root, "test", "Events.Tests", "DispatcherHost", "bin", configuration, "net10.0", "VoiceCluster.DispatcherHost.dll");
        var process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [program])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    ["NATS_URL"] = natsUrl,
                    ["DATABASE_URL"] = database,
                    ["Events__BatchSize"] = "20",
                    ["Events__LeaseDuration"] = "00:00:01",
                },
            },
        };
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new DispatcherProcess(process);
    }

    /// <summary>Ends it as a crash does.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }
}
