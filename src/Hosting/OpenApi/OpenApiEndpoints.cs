using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace VoiceCluster.Hosting.OpenApi;

/// <summary>The document over HTTP, and how routes describe themselves.</summary>
public static class OpenApiEndpoints
{
    /// <summary>Where the document is.</summary>
    public const string Path = "/openapi/v1.json";

    // Examples are for people: <c>"</c> and <c>+</c> stay readable. The document goes out as JSON alone, never inside markup.
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Describes a route for the document.</summary>
    public static TBuilder WithDocs<TBuilder>(this TBuilder builder, RouteDocs docs)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(docs);

    /// <summary>Maps <c>GET /openapi/v1.json</c>. The process registers an <see cref="IRouteGuards"/>.</summary>
    public static IEndpointConventionBuilder MapOpenApi(this IEndpointRouteBuilder routes)
    {
        ArgumentNullException.ThrowIfNull(routes);

        OnceWritten document = new(routes.ServiceProvider);
        return routes.MapGet(Path, document.SendAsync).WithDocs(OperationsDocs.OpenApi);
    }

    /// <summary>Routes do not change once the process serves, so the document is written once, for who asks first.</summary>
    private sealed class OnceWritten(IServiceProvider services)
    {
        private readonly Lazy<Task<byte[]>> _document = new(() => WriteAsync(services));

        public async Task SendAsync(HttpContext context)
        {
            context.Response.ContentType = "application/json; charset=utf-8";
            context.Response.Headers.CacheControl = "no-cache";
            await context.Response.Body.WriteAsync(await _document.Value.ConfigureAwait(false), context.RequestAborted).ConfigureAwait(false);
        }

        private static async Task<byte[]> WriteAsync(IServiceProvider services)
        {
            JsonObject document = await ApiDocument.WriteAsync(
                services.GetRequiredService<EndpointDataSource>().Endpoints, services.GetRequiredService<IRouteGuards>()).ConfigureAwait(false);
            return Encoding.UTF8.GetBytes(document.ToJsonString(Json));
        }
    }
}
