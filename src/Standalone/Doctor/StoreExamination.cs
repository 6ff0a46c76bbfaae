using System.Net.Sockets;
using VoiceCluster.Storage;

namespace VoiceCluster.Standalone.Doctor;

/// <summary>The database, tried by reading from it; and the servers beside it, tried by connecting.</summary>
internal static class StoreExamination
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async Task<List<Finding>> ExamineAsync(IConfiguration configuration, Func<IStateStore> store)
    {
        List<Finding> findings = [await ExamineStoreAsync(configuration, store).ConfigureAwait(false)];
        foreach (var (key, what) in new[] { ("NATS_URL", "NATS"), ("REDIS_URL", "Redis") })
        {
            if (configuration[key] is { Length: > 0 } address)
            {
                findings.AddRange(await ExamineServersAsync(key, what, address).ConfigureAwait(false));
            }
        }

        return findings;
    }

    private static async Task<Finding> ExamineStoreAsync(IConfiguration configuration, Func<IStateStore> store)
    {
        var isPostgres = configuration["DATABASE_URL"] is { Length: > 0 };
        var name = isPostgres ? "PostgreSQL" : $"SQLite in {Path.GetFullPath(configuration["Data:Path"] is { Length: > 0 } path ? path : "data")}";
        using CancellationTokenSource deadline = new(Patience);
        try
        {
            await store().ReadAsync(DoctorCommand.Name, "nothing", deadline.Token).WaitAsync(Patience).ConfigureAwait(false);
            return Finding.Good("store", $"{name} answers, its schema is up to date");
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException or TimeoutException or IOException or UnauthorizedAccessException)
        {
            var reason = e is OperationCanceledException or TimeoutException ? $"no answer within {Patience.TotalSeconds:F0} s" : e.Message;
            return Finding.Bad("store", $"{name} cannot be used: {reason}. See {(isPostgres ? "DATABASE_URL" : "Data:Path")}.");
        }
    }

    /// <summary>A list of addresses by commas is one server each.</summary>
    private static async Task<List<Finding>> ExamineServersAsync(string key, string what, string addresses)
    {
        List<Finding> findings = [];
        foreach (var address in addresses.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Uri.TryCreate(address.Contains("://", StringComparison.Ordinal) ? address : $"tcp://{address}", UriKind.Absolute, out var uri) || uri.Port <= 0)
            {
                // StackExchange's form has options among the addresses: password=…, ssl=true.
                if (!address.Contains('=', StringComparison.Ordinal))
                {
                    findings.Add(Finding.Doubt("servers", $"{key} has an address without a port, which is not tried"));
                }

                continue;
            }

            // The address may hold a password: only host and port are shown.
            using TcpClient client = new();
            using CancellationTokenSource deadline = new(Patience);
            try
            {
                await client.ConnectAsync(uri.Host, uri.Port, deadline.Token).ConfigureAwait(false);
                findings.Add(Finding.Good("servers", $"{what} at {uri.Host}:{uri.Port} takes connections"));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                findings.Add(Finding.Bad("servers", $"{what} at {uri.Host}:{uri.Port} cannot be reached: {e.Message}. See {key}."));
            }
        }

        return findings;
    }
}
