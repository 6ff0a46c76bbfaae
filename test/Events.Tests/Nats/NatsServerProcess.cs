using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Events.Tests.Nats;

/// <summary>A real nats-server of the test's own, on a free port of 127.0.0.1 that it keeps over restarts.</summary>
internal sealed class NatsServerProcess : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-nats-").FullName;
    private readonly string[] _arguments;
    private Process? _process;

    /// <param name="jetStream">With streams, kept on disk.</param>
    /// <param name="arguments">More of the command line; {folder} stands for the server's folder.</param>
    public NatsServerProcess(bool jetStream = false, params string[] arguments) => _arguments =
    [
        "-a", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture),
        .. jetStream ? ["-js", "-sd", Path.Combine(_folder, "js")] : Array.Empty<string>(),
        .. arguments.Select(a => a.Replace("{folder}", _folder, StringComparison.Ordinal)),
    ];

    public int Port { get; } = FreePort();

    public string Folder => _folder;

    public string Url => string.Create(CultureInfo.InvariantCulture, $"nats://127.0.0.1:{Port}");

    public static async Task<NatsServerProcess> StartNewAsync(bool jetStream = false, params string[] arguments)
    {
        var server = new NatsServerProcess(jetStream, arguments);
        await server.StartAsync();
        return server;
    }

    /// <summary>Starts the server, or starts it again.</summary>
    public async Task StartAsync()
    {
        _process = Process.Start(new ProcessStartInfo("nats-server", _arguments) { RedirectStandardError = true })!;
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        await Eventually.TrueAsync(IsOpenAsync, "nats-server listens");
    }

    /// <summary>Ends it as a crash does.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    /// <summary>Stops and continues it: the port is open, and nobody answers.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", _process!.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<bool> IsOpenAsync()
    {
        Assert.False(_process!.HasExited, "nats-server ended at once");
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
