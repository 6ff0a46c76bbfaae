using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace VoiceCluster.Browser.Tests;

/// <summary>The real server as a process: started on free ports, stopped by SIGTERM, its log kept.</summary>
internal sealed class StandaloneServer : IAsyncDisposable
{
    public const int MediaPorts = 4;

    private const string ReadyLine = "VoiceCluster ready:";
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly string _data;
    private readonly StreamWriter _log;
    private readonly ConcurrentQueue<string> _lastLines = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private StandaloneServer(string name, int httpPort, string? data, string[] settings)
    {
        _data = Directory.CreateTempSubdirectory("voicecluster-test-").FullName;
        _log = new StreamWriter(Path.Combine(Repository.Artifacts, $"{name}.log")) { AutoFlush = true };
        HttpPort = httpPort;
        FirstMediaPort = FreePorts.UdpRange(MediaPorts);
        var range = string.Create(CultureInfo.InvariantCulture, $"{FirstMediaPort}-{FirstMediaPort + MediaPorts - 1}");
        var isLibrary = Path.GetExtension(Repository.Standalone) == ".dll";
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(isLibrary ? "dotnet" : Repository.Standalone,
            [
                .. isLibrary ? [Repository.Standalone] : Array.Empty<string>(),
                $"--Http:Ports={HttpPort}",
                $"--Media:PortRange={range}",
                $"--Media:HttpPort={FreePorts.Tcp()}",
                $"--Relay:UdpPort={FreePorts.Udp()}",
                $"--Data:Path={data ?? _data}",
                .. settings,
            ])
            {
                WorkingDirectory = _data,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
            EnableRaisingEvents = true,
        };
        _process.OutputDataReceived += (_, e) => Note(e.Data);
        _process.ErrorDataReceived += (_, e) => Note(e.Data);
        _process.Exited += (_, _) => _ready.TrySetException(new InvalidOperationException("The server ended before it was ready."));
    }

    public int HttpPort { get; }

    public int FirstMediaPort { get; }

    public int ProcessId => _process.Id;

    /// <summary>The server by address; the tests' own site is at localhost, so it is another origin.</summary>
    public string Url => $"http://127.0.0.1:{HttpPort}";

    /// <param name="name">Names the log in the artifacts.</param>
    /// <param name="httpPort">The port to serve at; a free one by default.</param>
    /// <param name="data">A data folder that outlives the server; by default one of its own, deleted at the end.</param>
    /// <param name="settings">More of the command line, such as <c>--Calls:RingTimeout=00:00:05</c>.</param>
    public static async Task<StandaloneServer> StartAsync(string name, int? httpPort = null, string? data = null, params string[] settings)
    {
        if (!File.Exists(Repository.Standalone))
        {
            throw new FileNotFoundException("The standalone server is not built.", Repository.Standalone);
        }

        var server = new StandaloneServer(name, httpPort ?? FreePorts.Tcp(), data, settings);
        server._process.Start();
        server._process.BeginOutputReadLine();
        server._process.BeginErrorReadLine();
        try
        {
            await server._ready.Task.WaitAsync(StartDeadline);
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException)
        {
            var log = string.Join('\n', server._lastLines);
            await server.KillAsync();
            throw new InvalidOperationException($"The server did not say that it is ready: {e.Message}\n{log}", e);
        }

        return server;
    }

    /// <summary>Sends SIGTERM, which drains; gives the exit code, or throws when the process takes longer than it may.</summary>
    public async Task<int> StopAsync()
    {
        await Command.RunAsync(_data, "kill", "-TERM", _process.Id.ToString(CultureInfo.InvariantCulture));
        using var deadline = new CancellationTokenSource(StopDeadline);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            var log = string.Join('\n', _lastLines);
            await KillAsync();
            throw new TimeoutException($"The server did not end within {StopDeadline} of SIGTERM.\n{log}");
        }

        return _process.ExitCode;
    }

    /// <summary>Ends the process at once, as a crash does.</summary>
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
        try
        {
            if (!_process.HasExited)
            {
                var exitCode = await StopAsync();
                Assert.Equal(0, exitCode);
            }
        }
        finally
        {
            _process.Dispose();
            await _log.DisposeAsync();
            Directory.Delete(_data, recursive: true);
        }
    }

    private void Note(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_log)
        {
            _log.WriteLine(line);
        }

        _lastLines.Enqueue(line);
        while (_lastLines.Count > 60)
        {
            _lastLines.TryDequeue(out _);
        }

        if (line.StartsWith(ReadyLine, StringComparison.Ordinal))
        {
            _ready.TrySetResult();
        }
    }
}
