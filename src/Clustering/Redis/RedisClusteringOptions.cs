using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using VoiceCluster.Clustering;

namespace Orleans.Clustering.Redis;

/// <summary>The membership table in Redis.</summary>
public sealed class RedisClusteringOptions
{
    /// <summary><c>redis://user:password@host:6379/0</c>, <c>rediss://…</c>, or <c>host:6379,password=…,ssl=true</c>.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>The hash that holds the table. Default <c>voicecluster:members:{service}/{cluster}</c>.</summary>
    public Func<ClusterOptions, string> CreateRedisKey { get; set; } = DefaultCreateRedisKey;

    /// <summary>How long a call may take, waiting for a connection included. Default 5 s, at least 10 ms.</summary>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest pause between two attempts to connect. Default 2 s, at least 100 ms.</summary>
    public TimeSpan MaxReconnectDelay { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Authorities that may have signed the server's certificate. Default: those that the system trusts.</summary>
    public X509Certificate2Collection? TrustedCertificates { get; set; }

    /// <summary>The client's own certificate, for a server that asks for one.</summary>
    public X509Certificate2? ClientCertificate { get; set; }

    /// <summary>The default of <see cref="CreateRedisKey"/>.</summary>
    public static string DefaultCreateRedisKey(ClusterOptions cluster) => $"voicecluster:members:{cluster.ServiceId}/{cluster.ClusterId}";
}

/// <summary>Reports every fault of <see cref="RedisClusteringOptions"/> at once.</summary>
public sealed class RedisClusteringOptionsValidator : IValidateOptions<RedisClusteringOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, RedisClusteringOptions options)
    {
        var faults = new List<string>();
        if (!RedisAddress.TryParse(options.ConnectionString, out _, out var error))
        {
            faults.Add($"RedisClusteringOptions.ConnectionString: {error}");
        }

        if (options.CommandTimeout < TimeSpan.FromMilliseconds(10) || options.CommandTimeout > TimeSpan.FromMinutes(10))
        {
            faults.Add($"RedisClusteringOptions.CommandTimeout is {options.CommandTimeout}; it must be from 10 ms to 10 minutes.");
        }

        if (options.MaxReconnectDelay < TimeSpan.FromMilliseconds(100) || options.MaxReconnectDelay > TimeSpan.FromMinutes(10))
        {
            faults.Add($"RedisClusteringOptions.MaxReconnectDelay is {options.MaxReconnectDelay}; it must be from 100 ms to 10 minutes.");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
