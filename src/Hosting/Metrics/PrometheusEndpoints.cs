using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.Hosting.Metrics;

/// <summary>The metrics of the process over HTTP.</summary>
public static class PrometheusEndpoints
{
    /// <summary>Makes the exporter; may be called by each part of a process, the first counts.</summary>
    public static IServiceCollection AddPrometheus(this IServiceCollection services)
    {
        services.TryAddSingleton<PrometheusExporter>();
        services.AddHostedService<PrometheusStart>();
        return services;
    }

    /// <summary>Maps GET <paramref name="pattern"/> to the text exposition format 0.0.4.</summary>
    public static IEndpointConventionBuilder MapPrometheus(this IEndpointRouteBuilder endpoints, string pattern = "/metrics") =>
        endpoints.MapGet(pattern, static async (HttpContext context, PrometheusExporter exporter) =>
        {
            await Task.WhenAll(context.RequestServices.GetServices<IScrapeSource>().Select(s => s.RefreshAsync(context.RequestAborted)));
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            await context.Response.WriteAsync(exporter.Write(), context.RequestAborted);
        }).AllowAnonymous().DisableRateLimiting().WithDocs(OperationsDocs.Metrics);

    /// <summary>Makes the exporter at start, so that it sees measurements from the first one on.</summary>
    private sealed class PrometheusStart(PrometheusExporter exporter) : Microsoft.Extensions.Hosting.IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            ArgumentNullException.ThrowIfNull(exporter);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
