using System.Diagnostics;
using System.Globalization;

namespace VoiceCluster.Browser.Tests;

/// <summary>The cluster that deploy/local-cluster.sh starts: every process by itself, with real Redis, PostgreSQL and NATS.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromMinutes(1);

    /// <summary>What is promised of our own processes: after SIGTERM they end within this. They take 4 s at most on a busy machine, and stop waiting for anybody after 8.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    private static readonly string Script = Path.Combine(Repository.Root, "deploy", "local-cluster.sh");

    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-cluster-").FullName;
    private readonly Process _script;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _firstPort = FreePorts.TcpRange(70);

    private LocalCluster((string Name, string Value)[] settings)
    {
        var build = Directory.CreateDirectory(Path.Combine(_folder, "programs")).FullName;
        foreach (var program in (string[])["Silo", "ApiFrontend", "MediaNode"])
        {
            // As the solution's build has left them, beside the standalone server that the other tests run.
            Directory.CreateSymbolicLink(Path.Combine(build, program), Path.GetDirectoryName(Repository.Standalone)!.Replace("Standalone", program, StringComparison.Ordinal));
        }

        _script = new Process
        {
            StartInfo = new ProcessStartInfo(Script, [Path.Combine(_folder, "cluster")])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    ["CLUSTER_BASE_PORT"] = _firstPort.ToString(CultureInfo.InvariantCulture),
                    ["CLUSTER_BUILD"] = build,
                },
            },
            EnableRaisingEvents = true,
        };
        foreach (var (name, value) in settings)
        {
            _script.StartInfo.Environment[name] = value;
        }

        _script.OutputDataReceived += (_, e) =>
        {
            if (e.Data?.StartsWith("Local cluster ready", StringComparison.Ordinal) == true)
            {
                _ready.TrySetResult();
            }
        };
        _script.ErrorDataReceived += static (_, _) => { };
        _script.Exited += (_, _) => _ready.TrySetException(new InvalidOperationException("The cluster ended before it was ready."));
    }

    /// <summary>The frontends, as clients reach them.</summary>
    public string[] Frontends => [Url(30), Url(40)];

    /// <summary>Starts it; the settings are environment variables of every process.</summary>
    public static async Task<LocalCluster> StartAsync(params (string Name, string Value)[] settings)
    {
        var cluster = new LocalCluster(settings);

        // PostgreSQL may run as another user than the tests.
        await Command.RunAsync(cluster._folder, "chmod", "755", cluster._folder);
        cluster._script.Start();
        cluster._script.BeginOutputReadLine();
        cluster._script.BeginErrorReadLine();
        try
        {
            await cluster._ready.Task.WaitAsync(StartDeadline);
            return cluster;
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException)
        {
            var logs = cluster.Logs();
            await cluster.DisposeAsync();
            throw new InvalidOperationException($"{e.Message}\n{logs}", e);
        }
    }

    /// <summary>Ends a process at once, as a crash does; names are those of the script: silo-1, frontend-2, media-1.</summary>
    public Task KillAsync(string name) => SignalAsync(name, "KILL");

    /// <summary>Sends a process a signal.</summary>
    public Task SignalAsync(string name, string signal) => Command.RunAsync(_folder, "kill", $"-{signal}", PidOf(name).ToString(CultureInfo.InvariantCulture));

    /// <summary>Sends a process and its children a signal, the process first or, with CONT, last.</summary>
    public async Task SignalTreeAsync(string name, string signal)
    {
        var parent = PidOf(name).ToString(CultureInfo.InvariantCulture);
        if (signal != "CONT")
        {
            await Command.RunAsync(_folder, "kill", $"-{signal}", parent);
        }

        // proc(5): the children of a thread; PostgreSQL's postmaster has one thread.
        var children = (await File.ReadAllTextAsync($"/proc/{parent}/task/{parent}/children")).Split(' ', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        await Command.RunAsync(_folder, "kill", [$"-{signal}", .. children, .. signal == "CONT" ? [parent] : Array.Empty<string>()]);
    }

    /// <summary>Asks a process to stop, and waits until it has ended: one of our own not longer than promised. Answers how long that took.</summary>
    public async Task<TimeSpan> StopAsync(string name, string signal = "TERM")
    {
        using var process = Process.GetProcessById(PidOf(name));
        var since = Stopwatch.GetTimestamp();
        await SignalAsync(name, signal);
        var limit = UrlOf(name) is null ? StopDeadline : EndLimit;
        using var deadline = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"{name} has not ended {limit} after {signal}.", e);
        }

        return Stopwatch.GetElapsedTime(since);
    }

    /// <summary>Starts a process that has ended again, and waits until it is ready.</summary>
    public async Task StartAsync(string name)
    {
        await LaunchAsync(name);
        if (UrlOf(name) is { } url)
        {
            await WaitReadyAsync(new Uri(url));
        }
    }

    /// <summary>Starts a process that has ended again.</summary>
    public Task LaunchAsync(string name) => Command.RunAsync(_folder, Script, "start", Path.Combine(_folder, "cluster"), name);

    /// <summary>Waits until a process is ready.</summary>
    public Task WaitReadyAsync(string name) => WaitReadyAsync(new Uri(UrlOf(name)!));

    /// <summary>Whether a process has ended.</summary>
    public bool HasEnded(string name) => !Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{PidOf(name)}"));

    /// <summary>Makes the database anew, empty as before the first start.</summary>
    public Task EmptyDatabaseAsync() => Command.RunAsync(
        "/",
        "bash",
        "-c",
        string.Create(CultureInfo.InvariantCulture, $"""
            set -e
            postgres=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1 || true)
            export PATH="$postgres:$PATH" PGHOST=127.0.0.1 PGPORT={_firstPort + 1} PGUSER=voicecluster
            dropdb --force --maintenance-db=postgres voicecluster
            createdb --maintenance-db=postgres voicecluster
            """));

    /// <summary>The process of a name that was started last.</summary>
    public int PidOf(string name) => int.Parse(
        File.ReadLines(Path.Combine(_folder, "cluster", "pids")).Last(l => l.StartsWith($"{name} ", StringComparison.Ordinal)).Split(' ')[1],
        CultureInfo.InvariantCulture);

    /// <summary>The process's log so far.</summary>
    public string LogOf(string name) => File.ReadAllText(Path.Combine(_folder, "cluster", $"{name}.log"));

    /// <summary>Where a process answers its operators; null for the servers that the cluster stands on.</summary>
    public string? UrlOf(string name) => name switch
    {
        "silo-1" => Url(10),
        "silo-2" => Url(20),
        "frontend-1" => Url(30),
        "frontend-2" => Url(40),
        "media-1" => Url(50),
        "media-2" => Url(60),
        _ => null,
    };

    private static async Task WaitReadyAsync(Uri url)
    {
        using var http = new HttpClient();
        using var deadline = new CancellationTokenSource(StartDeadline);
        while (!await IsReadyAsync())
        {
            await Task.Delay(100, deadline.Token);
        }

        async Task<bool> IsReadyAsync()
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(url, "/health/ready"), deadline.Token);
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }
    }

    /// <summary>What /media of a media node says about its rooms.</summary>
    public async Task<int> RoomsOfAsync(int mediaNode) => (await MediaAsync(mediaNode)).GetProperty("rooms").GetInt32();

    /// <summary>The same about its workers together: transports, producers, consumers or pipes.</summary>
    public async Task<int> CountAsync(int mediaNode, string what) =>
        (await MediaAsync(mediaNode)).GetProperty("workers").EnumerateArray().Sum(w => w.GetProperty(what).GetInt32());

    private async Task<System.Text.Json.JsonElement> MediaAsync(int mediaNode)
    {
        using var http = new HttpClient();
        using var answer = System.Text.Json.JsonDocument.Parse(await http.GetStringAsync($"{Url(40 + (mediaNode * 10))}/media"));
        return answer.RootElement.Clone();
    }

    /// <summary>The last lines of every process's log.</summary>
    public string Logs() => string.Join('\n', Directory.GetFiles(Path.Combine(_folder, "cluster"), "*.log").Select(
        f => $"== {Path.GetFileName(f)}\n{string.Join('\n', File.ReadLines(f).TakeLast(20))}"));

    public async ValueTask DisposeAsync()
    {
        if (!_script.HasExited)
        {
            await Command.RunAsync(_folder, "kill", "-TERM", _script.Id.ToString(CultureInfo.InvariantCulture));
            using var deadline = new CancellationTokenSource(StopDeadline);
            await _script.WaitForExitAsync(deadline.Token);
        }

        _script.Dispose();
        await Command.RunAsync("/", "rm", "-rf", _folder);
    }

    private string Url(int offset) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_firstPort + offset}");
}
