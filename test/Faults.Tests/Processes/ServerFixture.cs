using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VoiceCluster.Storage.Tests;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>Tests of real processes run one after the other, on servers that they share.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RealServers : ICollectionFixture<ServerFixture>
{
    public const string Name = "Real servers";
}

/// <summary>A real PostgreSQL and a real Redis.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-redis-").FullName;
    private Process? _redis;

    public PostgresServer Postgres { get; } = new();

    public int RedisPort { get; } = FreePort();

    public async Task InitializeAsync()
    {
        await Postgres.InitializeAsync();
        _redis = Process.Start(new ProcessStartInfo(
            "redis-server",
            ["--port", RedisPort.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--dir", _folder, "--logfile", Path.Combine(_folder, "log")]))!;
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, RedisPort);
                return;
            }
            catch (SocketException) when (Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(20))
            {
                await Task.Delay(20);
            }
        }
    }

    public async Task DisposeAsync()
    {
        if (_redis is not null)
        {
            _redis.Kill();
            await _redis.WaitForExitAsync();
            _redis.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
        await Postgres.DisposeAsync();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
