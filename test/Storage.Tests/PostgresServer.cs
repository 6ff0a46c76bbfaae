using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace VoiceCluster.Storage.Tests;

/// <summary>A real PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, on a free port of 127.0.0.1.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-postgres-").FullName;
    private readonly int _port = FreePort();
    private readonly string _binaries = FindBinaries();

    private string Data => Path.Combine(_folder, "data");

    /// <summary>A new, empty database on the server.</summary>
    public async Task<NpgsqlConnectionStringBuilder> CreateDatabaseAsync()
    {
        var name = $"test_{Guid.NewGuid():N}";
        await using var source = NpgsqlDataSource.Create(Connection("postgres"));
        await using var command = source.CreateCommand($"CREATE DATABASE {name}");
        await command.ExecuteNonQueryAsync();
        return Connection(name);
    }

    /// <summary>Starts the server, or starts it again after <see cref="StopAsync"/>.</summary>
    public Task StartAsync() => RunAsync(
        $"{_binaries}/pg_ctl -D {Data} -w -t 60 -l {_folder}/log -o '-p {_port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={_folder}' start");

    /// <summary>Stops the server at once, connections included.</summary>
    /// <param name="mode">"immediate" as in a crash; "fast" tells the clients first.</param>
    public Task StopAsync(string mode = "immediate") => RunAsync($"{_binaries}/pg_ctl -D {Data} -w -m {mode} stop");

    /// <summary>Hangs the server: connections stay, new ones are taken, and nothing is answered.</summary>
    public Task PauseAsync() => SignalAsync("STOP");

    /// <summary>Lets it go on.</summary>
    public Task ResumeAsync() => SignalAsync("CONT");

    /// <summary>The first column of a query, as texts.</summary>
    public async Task<string[]> QueryAsync(NpgsqlConnectionStringBuilder database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        List<string> rows = [];
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return [.. rows];
    }

    public async Task InitializeAsync()
    {
        // PostgreSQL refuses to run as root; its package brings a user for it.
        if (Environment.UserName == "root")
        {
            await RunAsync($"chown postgres {_folder}", asServer: false);
        }

        await RunAsync($"{_binaries}/initdb -D {Data} -U voice -A trust --no-sync -E UTF8 --locale=C");
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await StopAsync();
        await RunAsync($"rm -rf {_folder}", asServer: false);
    }

    /// <summary>To the postmaster first, so that it starts no further process meanwhile.</summary>
    private async Task SignalAsync(string signal)
    {
        var postmaster = (await File.ReadAllLinesAsync(Path.Combine(Data, "postmaster.pid")))[0];
        await RunAsync($"kill -{signal} {postmaster}");
        var children = Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(p => p!.All(char.IsDigit) && ParentOf(p!) == postmaster).ToArray();
        if (children.Length > 0)
        {
            // One that has just ended needs no signal.
            await RunAsync($"for p in {string.Join(' ', children)}; do kill -{signal} $p 2>/dev/null || [ ! -d /proc/$p ] || exit 1; done");
        }
    }

    /// <summary>The fourth field of proc(5)'s stat, counted behind the name, which may hold anything.</summary>
    private static string? ParentOf(string process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        }
        catch (IOException)
        {
            // It has ended in between.
            return null;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string FindBinaries() => Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Last() + "/bin"
        : "/usr/bin";

    private static async Task RunAsync(string command, bool asServer = true)
    {
        string[] arguments = asServer && Environment.UserName == "root"
            ? ["-u", "postgres", "--", "sh", "-c", command]
            : ["-c", command];
        using var process = Process.Start(new ProcessStartInfo(arguments.Length > 2 ? "runuser" : "sh", arguments)
        {
            WorkingDirectory = "/",
            RedirectStandardError = true,
        })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{command} ended with {process.ExitCode}: {error}");
        }
    }

    private NpgsqlConnectionStringBuilder Connection(string database) =>
        new(string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username=voice;Database={database};Timeout=15"));
}
