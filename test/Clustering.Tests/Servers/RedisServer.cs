using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using VoiceCluster.Clustering.Resp;

namespace VoiceCluster.Clustering.Tests;

/// <summary>A real redis-server of the tests' own, in a temporary folder, on a free port of 127.0.0.1.</summary>
public class RedisServer : IAsyncLifetime, IAsyncDisposable
{
    private readonly string[] _arguments;
    private Process? _process;

    /// <summary>Without persistence, password or TLS.</summary>
    public RedisServer()
        : this("--save", "")
    {
    }

    /// <summary>With settings of the caller's; <c>{folder}</c> in them is the server's folder.</summary>
    protected RedisServer(params string[] arguments)
    {
        _arguments = [.. arguments.Select(a => a.Replace("{folder}", Folder, StringComparison.Ordinal))];
        Address = new RedisAddress("127.0.0.1", FreePort());
    }

    /// <summary>Where it keeps its files.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("voicecluster-redis-").FullName;

    /// <summary>Where it listens.</summary>
    public RedisAddress Address { get; protected init; }

    /// <summary>Options for clients of this server.</summary>
    public RespClientOptions ClientOptions { get; protected init; } = new();

    /// <summary>A server with settings of the caller's, running.</summary>
    public static async Task<RedisServer> StartAsync(params string[] arguments)
    {
        var server = new RedisServer(arguments);
        await server.InitializeAsync();
        return server;
    }

    /// <summary>A client of the server.</summary>
    public RespClient Connect(Func<RedisAddress, RedisAddress>? address = null, Func<RespClientOptions, RespClientOptions>? options = null) => new(
        address?.Invoke(Address) ?? Address,
        options?.Invoke(ClientOptions) ?? ClientOptions,
        TimeProvider.System,
        NullLogger<RespClient>.Instance);

    public virtual Task InitializeAsync() => StartAsync();

    public Task DisposeAsync()
    {
        Kill();
        Directory.Delete(Folder, recursive: true);
        return Task.CompletedTask;
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    /// <summary>Starts the server, or starts it again, and waits until it listens.</summary>
    public async Task StartAsync()
    {
        string[] listen = Address.UseTls ? ["--port", "0", "--tls-port"] : ["--port"];
        _process = Process.Start(new ProcessStartInfo(
            "redis-server",
            [.. listen, Address.Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--dir", Folder, "--logfile", Path.Combine(Folder, "log"), .. _arguments]))!;
        var isListening = await Eventually.SucceedsAsync(async () =>
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            if (_process.HasExited)
            {
                return false;
            }

            await socket.ConnectAsync(IPAddress.Loopback, Address.Port);
            return true;
        });
        Assert.True(isListening, "redis-server ended at once; what was wrong stands above, on its own output.");
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        if (_process is null)
        {
            return;
        }

        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Stops the process without a word to its clients.</summary>
    public Task FreezeAsync() => SignalAsync("STOP");

    /// <summary>Lets it run on.</summary>
    public Task ThawAsync() => SignalAsync("CONT");

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, _process!.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
