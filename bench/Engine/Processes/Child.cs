using System.Diagnostics;
using System.Runtime.InteropServices;

namespace VoiceCluster.Bench.Engine.Processes;

/// <summary>A silo in a process of its own. It ends with this object.</summary>
internal sealed class Child : IAsyncDisposable
{
    private readonly Process _process;

    private Child(Process process) => _process = process;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Processor time that it has used.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts a silo and answers when it serves.</summary>
    public static async Task<Child> StartAsync(params string[] args)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("silo");
        foreach (var argument in args)
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line == "ready")
            {
                return new Child(process);
            }
        }

        throw new InvalidOperationException("The silo has ended before it was ready.");
    }

    /// <summary>Ends it as a crash does.</summary>
    public void Kill() => Signal(9);

    /// <summary>Makes it stand still.</summary>
    public void Pause() => Signal(19);

    /// <summary>Lets it go on.</summary>
    public void Continue() => Signal(18);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            using var time = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            try
            {
                await _process.WaitForExitAsync(time.Token);
            }
            catch (OperationCanceledException)
            {
                Kill();
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }

        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (SendSignal(_process.Id, signal) != 0)
        {
            throw new InvalidOperationException($"Process {_process.Id} does not take signal {signal}.");
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}
