using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.Hosting.Health;

/// <summary>
/// GET /health: the process lives, always 200. GET /health/ready: 200 when every <see cref="IReadiness"/> is ready,
/// else 503. Both answer <c>{"status", "message", "data"}</c>; data of the second names each part and its reason.
/// </summary>
public static class HealthEndpoints
{
    /// <summary>Adds a part that must be ready before the process is.</summary>
    public static IServiceCollection AddReadiness<T>(this IServiceCollection services)
        where T : class, IReadiness
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IReadiness, T>());
        return services;
    }

    /// <summary>Maps both endpoints. They need no token.</summary>
    public static IEndpointRouteBuilder MapHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/health", static context => WriteAsync(context, StatusCodes.Status200OK, "Server is healthy", null))
            .AllowAnonymous().DisableRateLimiting().WithDocs(OperationsDocs.Health);
        endpoints.MapGet("/health/ready", static context =>
        {
            var parts = context.RequestServices.GetServices<IReadiness>().Select(p => (p.Name, State: p.Check())).ToArray();
            var ready = parts.All(p => p.State.IsReady);
            return WriteAsync(
                context,
                ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
                ready ? "Server is ready" : "Server is not ready",
                parts);
        }).AllowAnonymous().DisableRateLimiting().WithDocs(OperationsDocs.Ready);
        return endpoints;
    }

    private static async Task WriteAsync(HttpContext context, int status, string message, (string Name, ReadinessState State)[]? parts)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        await using var writer = new Utf8JsonWriter(context.Response.BodyWriter);
        writer.WriteStartObject();
        writer.WriteNumber("status", status);
        writer.WriteString("message", message);
        if (parts is null)
        {
            writer.WriteNull("data");
        }
        else
        {
            writer.WriteStartObject("data");
            foreach (var (name, state) in parts)
            {
                writer.WriteString(name, state.IsReady ? state.Reason is { } lack ? $"ready; {lack}" : "ready" : state.Reason);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
