using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace VoiceCluster.Hosting;

/// <summary>
/// Proves over HTTP that a request comes from a process of this cluster: a keyed hash of method, path and a time some seconds
/// ahead. The key comes from <c>Cluster:Secret</c>. Without a secret, which only a cluster on one machine may lack, requests are
/// believed from this machine alone.
/// </summary>
public sealed class ClusterKey
{
    /// <summary>The header: seconds of Unix time until which it holds, a dot, the hash in hex.</summary>
    public const string Header = "X-Cluster-Signature";

    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);

    private readonly byte[] _key;
    private readonly bool _onlyLoopback;
    private readonly TimeProvider _time;

    private ClusterKey(byte[] key, bool onlyLoopback, TimeProvider? time) => (_key, _onlyLoopback, _time) = (key, onlyLoopback, time ?? TimeProvider.System);

    /// <summary>The key of the configured secret.</summary>
    public static ClusterKey Of(IConfiguration configuration, TimeProvider? time = null)
    {
        var secret = configuration["CLUSTER_SECRET"] is { Length: > 0 } set ? set : configuration["Cluster:Secret"] ?? "";
        return new ClusterKey(SHA256.HashData(Encoding.UTF8.GetBytes($"voicecluster http\n{secret}")), secret.Length == 0, time);
    }

    /// <summary>A key that this process alone knows: all parts of the cluster are in it.</summary>
    public static ClusterKey Own(TimeProvider? time = null) => new(RandomNumberGenerator.GetBytes(32), false, time);

    /// <summary>The header's value for a request.</summary>
    /// <param name="path">The path as it is sent, without a query.</param>
    public string Sign(string method, string path)
    {
        var until = (_time.GetUtcNow() + Lifetime).ToUnixTimeSeconds();
        return string.Create(CultureInfo.InvariantCulture, $"{until}.{Convert.ToHexString(Hash(method, path, until))}");
    }

    /// <summary>Whether a request was signed with this key, for this method and path, and in time.</summary>
    public bool Verify(HttpRequest request)
    {
        var isNear = request.HttpContext.Connection.RemoteIpAddress is { } from && IPAddress.IsLoopback(from);
        return (isNear || !_onlyLoopback) && Verify(request.Method, request.Path.ToUriComponent(), request.Headers[Header].ToString());
    }

    /// <summary>The same for the parts of a request.</summary>
    public bool Verify(string method, string path, string header)
    {
        var dot = header.IndexOf('.', StringComparison.Ordinal);
        if (dot <= 0 || !long.TryParse(header.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var until)
            || until < _time.GetUtcNow().ToUnixTimeSeconds() || until > (_time.GetUtcNow() + (2 * Lifetime)).ToUnixTimeSeconds()
            || header.Length - dot - 1 != 2 * HMACSHA256.HashSizeInBytes)
        {
            return false;
        }

        Span<byte> given = stackalloc byte[HMACSHA256.HashSizeInBytes];
        return Convert.FromHexString(header.AsSpan(dot + 1), given, out _, out _) == System.Buffers.OperationStatus.Done
            && CryptographicOperations.FixedTimeEquals(given, Hash(method, path, until));
    }

    private byte[] Hash(string method, string path, long until) =>
        HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{method}\n{path}\n{until}")));
}
