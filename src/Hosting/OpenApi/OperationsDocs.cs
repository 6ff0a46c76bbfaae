using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace VoiceCluster.Hosting.OpenApi;

/// <summary>The routes for operators: health, metrics, the document itself. Parts of the process add their own.</summary>
public static class OperationsDocs
{
    /// <summary>The operators' routes as a door.</summary>
    public static DoorDocs Door { get; } = DoorDocs.Of(
        "Operations",
        "Health, metrics and descriptions of the process that answers.",
        new JsonSerializerOptions(JsonSerializerDefaults.Web),
        static (_, code, message) => new OperationsError(new OperationsFault(code, message)));

    /// <summary><c>GET /health</c>.</summary>
    public static RouteDocs Health { get; } = Door.Route("getHealth", "Does the process live?")
        .Answer<HealthAnswer>(200, "It lives.", """{"status":200,"message":"Server is healthy","data":null}""");

    /// <summary><c>GET /health/ready</c>.</summary>
    public static RouteDocs Ready { get; } = Door.Route("getReadiness", "May clients come?")
        .About("200 when every part of the process serves, else 503; data names the parts and what those that do not serve wait for.")
        .Answer<ReadinessAnswer>(200, "Every part serves.", """{"status":200,"message":"Server is ready","data":{"media-node":"ready"}}""")
        .Answer<ReadinessAnswer>(
            503, "A part does not serve yet.", """{"status":503,"message":"Server is not ready","data":{"media-node":"The fleet has not answered yet."}}""");

    /// <summary><c>GET /metrics</c>.</summary>
    public static RouteDocs Metrics { get; } = Door.Route("getMetrics", "Metrics in Prometheus' text format")
        .Answer(200, "The metrics.", "text/plain", "# TYPE voicecluster_frontend_participants gauge\nvoicecluster_frontend_participants 2\n");

    /// <summary><c>GET /openapi/v1.json</c>.</summary>
    public static RouteDocs OpenApi { get; } = Door.Route("getOpenApi", "This document")
        .About("OpenAPI 3.1; /docs shows it to people.")
        .Answer<OpenApiAnswer>(200, "The document.", """{"openapi":"3.1.1","info":{"title":"VoiceCluster","version":"0.1.0"},"paths":{}}""");

    private sealed record HealthAnswer(
        [property: Description("The HTTP status.")] int Status, string Message, [property: Description("Always null.")] object? Data);

    private sealed record ReadinessAnswer(
        [property: Description("The HTTP status.")] int Status, string Message,
        [property: Description("A part's name, with \"ready\" or what it waits for.")] Dictionary<string, string> Data);

    private sealed record OpenApiAnswer(string Openapi, OpenApiInfo Info, Dictionary<string, object> Paths);

    private sealed record OpenApiInfo(string Title, string Version);

    private sealed record OperationsError([property: JsonPropertyName("error")] OperationsFault Error);

    private sealed record OperationsFault(string Code, string Message);
}
