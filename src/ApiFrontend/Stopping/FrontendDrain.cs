using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.Hosting.Health;

namespace VoiceCluster.ApiFrontend.Stopping;

/// <summary>A part that has clients to say goodbye to when the process stops.</summary>
internal interface ISaysGoodbye
{
    /// <summary>Tells the clients and lets them go. Rooms can still be reached.</summary>
    Task SayGoodbyeAsync(CancellationToken cancellationToken);
}

/// <summary>
/// The end of a frontend: 1. it is not ready any more, and goes on serving until balancers have seen it; 2. clients are told to
/// connect again, and their connections end; 3. Kestrel stops, with what then still runs.
/// </summary>
internal sealed partial class FrontendDrain(
    IOptions<HttpOptions> options,
    IHostApplicationLifetime lifetime,
    IEnumerable<ISaysGoodbye> parts,
    FrontendSite site,
    TimeProvider time,
    ILogger<FrontendDrain> logger) : IHostedLifecycleService, IReadiness, IDisposable
{
    private readonly CancellationTokenSource _goodbye = new();

    /// <inheritdoc/>
    public string Name => "frontend";

    /// <summary>Cancelled when the doors shall let their clients go.</summary>
    public CancellationToken Goodbye => _goodbye.Token;

    /// <inheritdoc/>
    public ReadinessState Check() => lifetime.ApplicationStopping.IsCancellationRequested
        ? ReadinessState.NotReady("The frontend stops.")
        : ReadinessState.Ready;

    /// <inheritdoc/>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // :: Step 1
        var delay = options.Value.DrainDelay ?? (site.IsAlone ? TimeSpan.Zero : HttpOptions.DefaultDrainDelay);
        if (delay > TimeSpan.Zero)
        {
            LogDraining(logger, delay);
            await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
        }

        // :: Step 2
        await _goodbye.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(parts.Select(p => p.SayGoodbyeAsync(cancellationToken))).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => _goodbye.Dispose();

    [LoggerMessage(3010, LogLevel.Information, "The frontend stops: it is not ready any more, and tells its clients in {Delay}")]
    private static partial void LogDraining(ILogger logger, TimeSpan delay);
}

/// <summary>Where the frontend runs.</summary>
/// <param name="IsAlone">Its rooms end with this process; else clients find them through another frontend.</param>
internal sealed record FrontendSite(bool IsAlone);

/// <summary>Registers the end of the frontend.</summary>
internal static class FrontendDrainHosting
{
    /// <summary>Once, however often it is called.</summary>
    public static IServiceCollection AddFrontendDrain(this IServiceCollection services)
    {
        if (services.Any(s => s.ServiceType == typeof(FrontendDrain)))
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(new FrontendSite(IsAlone: false));
        services.AddSingleton<FrontendDrain>();
        services.AddSingleton<IReadiness>(static s => s.GetRequiredService<FrontendDrain>());
        services.AddHostedService(static s => s.GetRequiredService<FrontendDrain>());
        return services;
    }
}
