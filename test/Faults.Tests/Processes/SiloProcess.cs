using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Threading.Channels;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>A silo as a process, in a network namespace if there is one.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Channel<string> _answers = Channel.CreateUnbounded<string>();
    private readonly List<string> _errors = [];

    private SiloProcess(string name, Process process) => (Name, _process) = (name, process);

    public string Name { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>What it logged.</summary>
    public string[] Errors
    {
        get
        {
            lock (_errors)
            {
                return [.. _errors];
            }
        }
    }

    /// <param name="isNext">Whether it is the next build.</param>
    public static SiloProcess Start(string name, string? space, IReadOnlyDictionary<string, string> settings, bool isNext = false)
    {
        var configuration = typeof(SiloProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Configuration").Value!;
        var root = typeof(SiloProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;
        var program = Path.Combine(root, "test", "Faults.Tests", isNext ? "FaultSiloNext" : "FaultSilo", "bin", configuration, "net10.0", "VoiceCluster.FaultSilo.dll");

        // "ip netns exec" becomes the program that it starts: signals go to it.
        var start = space is null
            ? new ProcessStartInfo("dotnet", [program])
            : new ProcessStartInfo("ip", ["netns", "exec", space, "dotnet", program]);
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        start.Environment["NAME"] = name;
        start.Environment["DOTNET_gcServer"] = "0";
        foreach (var (key, value) in settings)
        {
            start.Environment[key] = value;
        }

        var silo = new SiloProcess(name, new Process { StartInfo = start });
        silo._process.OutputDataReceived += (_, e) =>
        {
            if (e.Data is null)
            {
                silo._answers.Writer.TryComplete();
            }
            else
            {
                silo._answers.Writer.TryWrite(e.Data);
            }
        };
        silo._process.ErrorDataReceived += (_, e) =>
        {
            lock (silo._errors)
            {
                silo._errors.Add(e.Data ?? "(end)");
            }
        };
        silo._process.Start();
        silo._process.BeginOutputReadLine();
        silo._process.BeginErrorReadLine();
        return silo;
    }

    /// <summary>The next line that it says; null when it has ended.</summary>
    public async Task<string?> AnswerAsync(TimeSpan limit)
    {
        using var time = new CancellationTokenSource(limit);
        try
        {
            return await _answers.Reader.ReadAsync(time.Token);
        }
        catch (ChannelClosedException)
        {
            return null;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{Name} said nothing for {limit}.\n{string.Join('\n', Errors.TakeLast(20))}");
        }
    }

    /// <summary>Says something and waits for the answer; null when it has ended.</summary>
    public async Task<string?> AskAsync(string command, TimeSpan limit)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(command);
            await _process.StandardInput.FlushAsync();
        }
        catch (IOException)
        {
            // It has ended.
            return null;
        }

        return await AnswerAsync(limit);
    }

    /// <summary>Sends a signal: KILL, STOP, CONT or TERM.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public Task WaitForExitAsync(TimeSpan limit) => _process.WaitForExitAsync().WaitAsync(limit);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // Whoever stands still dies of it too.
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
