namespace VoiceCluster.Standalone;

/// <summary>Says at the start which well-known settings have no effect yet, so that nobody relies on them.</summary>
internal sealed partial class UnsupportedSettings(IConfiguration configuration, ILogger<UnsupportedSettings> logger) : IHostedService
{
    private static readonly (string Name, string Instead)[] Settings =
    [
        ("REDIS_URL", "the process is a cluster of its own"),
    ];

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, instead) in Settings.Where(s => configuration[s.Name] is { Length: > 0 }))
        {
            LogUnsupported(logger, name, instead);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(5001, LogLevel.Warning, "{Setting} is set but not supported yet: {Instead}")]
    private static partial void LogUnsupported(ILogger logger, string setting, string instead);
}
