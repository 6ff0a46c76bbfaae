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

/// <summary>A real PostgreSQL and a real Redis. Both can die and be started again: what they have acknowledged is still there then.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-redis-").FullName;
    private readonly SemaphoreSlim _one = new(1);
    private Process? _redis;
    private int _postgresDeaths;
    private int _redisDeaths;

    public PostgresServer Postgres { get; } = new();

    public int RedisPort { get; } = FreePort();

    public async Task InitializeAsync()
    {
        await Postgres.InitializeAsync();
        await StartRedisAsync();
    }

    /// <summary>PostgreSQL dies, connections included. It stays so until it is started as often as it was killed.</summary>
    public Task KillPostgresAsync() => OneAsync(() => _postgresDeaths++ == 0 ? Postgres.StopAsync() : Task.CompletedTask);

    /// <summary>One reason for its death is over.</summary>
    public Task RestartPostgresAsync() => OneAsync(() => --_postgresDeaths == 0 ? Postgres.StartAsync() : Task.CompletedTask);

    /// <summary>kill -9 of Redis. It stays dead until it is started as often as it was killed.</summary>
    public Task KillRedisAsync() => OneAsync(() => _redisDeaths++ == 0 ? EndRedisAsync() : Task.CompletedTask);

    /// <summary>One reason for its death is over.</summary>
    public Task RestartRedisAsync() => OneAsync(() => --_redisDeaths == 0 ? StartRedisAsync() : Task.CompletedTask);

    public async Task DisposeAsync()
    {
        await EndRedisAsync();
        Directory.Delete(_folder, recursive: true);
        if (_postgresDeaths > 0)
        {
            await Postgres.StartAsync();
        }

        await Postgres.DisposeAsync();
        _one.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task OneAsync(Func<Task> change)
    {
        await _one.WaitAsync();
        try
        {
            await change();
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>With a log of every write, so that a death loses nothing.</summary>
    private async Task StartRedisAsync()
    {
        _redis = Process.Start(new ProcessStartInfo(
            "redis-server",
            [
                "--port", RedisPort.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", _folder,
                "--logfile", Path.Combine(_folder, "log"),
            ]))!;
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, RedisPort);
                return;
            }
            catch (SocketException) when (Stopwatch.GetElapsedTime(since) < StartLimit)
            {
                await Task.Delay(20);
            }
        }
    }

    private async Task EndRedisAsync()
    {
        if (_redis is not null)
        {
            _redis.Kill();
            await _redis.WaitForExitAsync();
            _redis.Dispose();
            _redis = null;
        }
    }
}
