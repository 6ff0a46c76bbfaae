using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>
/// The issuer's public keys, read from <see cref="AuthOptions.JwksUrl"/> and kept. An unknown key id causes a read, but no two
/// within <see cref="AuthOptions.JwksRetry"/>, so that made-up ids cannot hammer the issuer. While the address is away the keys
/// of the last good read go on serving; a key that a good read no longer has is dropped at once.
/// </summary>
internal sealed partial class IssuerKeys(IHttpClientFactory clients, IOptions<AuthOptions> options, TimeProvider time, ILogger<IssuerKeys> logger)
{
    /// <summary>The name of the HTTP client; its handler follows no redirects.</summary>
    public const string HttpClientName = "jwks";

    /// <summary>A larger key set is refused. In bytes.</summary>
    public const int MaxResponseBytes = 256 * 1024;

    private readonly AuthOptions _options = options.Value;
    private readonly Lock _gate = new();
    private volatile KeySet? _keys;
    private DateTimeOffset _readAt = DateTimeOffset.MinValue;
    private DateTimeOffset _triedAt = DateTimeOffset.MinValue;
    private Task? _reading;

    /// <summary>Whether any key set has ever been read.</summary>
    public bool Available => _keys is not null;

    /// <summary>The key for a token, after a read if that may help.</summary>
    public async ValueTask<IssuerKey?> FindAsync(string algorithm, string? keyId, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(_options.JwksUrl))
        {
            return null;
        }

        var found = _keys?.Find(algorithm, keyId);
        var reading = ReadIfDue(needed: found is null);
        if (found is not null || reading is null)
        {
            return found;
        }

        await reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        return _keys?.Find(algorithm, keyId);
    }

    /// <summary>Starts a read when one is due, and gives the one that runs. One runs at a time, for everybody.</summary>
    private Task? ReadIfDue(bool needed)
    {
        lock (_gate)
        {
            if (_reading is { IsCompleted: false })
            {
                return _reading;
            }

            var now = time.GetUtcNow();
            var stale = now - _readAt >= _options.JwksRefresh;
            if ((!needed && !stale) || now - _triedAt < _options.JwksRetry)
            {
                return null;
            }

            _triedAt = now;
            _reading = Task.Run(ReadAsync, CancellationToken.None);
            return _reading;
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            using var timeout = new CancellationTokenSource(_options.JwksTimeout);
            using var client = clients.CreateClient(HttpClientName);
            var body = await client.GetByteArrayAsync(new Uri(_options.JwksUrl!), timeout.Token).ConfigureAwait(false);
            if (KeySet.TryParse(body) is not { } keys)
            {
                NotAKeySet(logger, _options.JwksUrl!);
                return;
            }

            _keys = keys;
            lock (_gate)
            {
                _readAt = time.GetUtcNow();
            }

            KeysRead(logger, keys.Count, _options.JwksUrl!);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            ReadFailed(logger, _options.JwksUrl!, e.Message);
        }
    }

    [LoggerMessage(3800, LogLevel.Information, "Read {Count} usable keys from {Url}.")]
    private static partial void KeysRead(ILogger logger, int count, string url);

    [LoggerMessage(3801, LogLevel.Warning, "The keys at {Url} could not be read; those of the last good read go on serving. {Reason}")]
    private static partial void ReadFailed(ILogger logger, string url, string reason);

    [LoggerMessage(3802, LogLevel.Warning, "The answer of {Url} is not a JWK set; the keys of the last good read go on serving.")]
    private static partial void NotAKeySet(ILogger logger, string url);
}
