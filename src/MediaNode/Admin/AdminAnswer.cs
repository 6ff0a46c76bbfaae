using System.Text.Json.Nodes;
using VoiceCluster.Media.Routing;

namespace VoiceCluster.MediaNode.Admin;

/// <summary>What an admin request is answered with: a status and JSON, or a problem (RFC 9457).</summary>
internal readonly record struct AdminAnswer(int Status, JsonNode? Body)
{
    public static AdminAnswer Ok(JsonNode body) => new(200, body);

    public static AdminAnswer Created(JsonNode body) => new(201, body);

    public static AdminAnswer Done { get; } = new(204, null);

    public static AdminAnswer Refuse(int status, string detail) => new(status, new JsonObject { ["status"] = status, ["detail"] = detail });

    public static AdminAnswer Refuse(MediaFault fault, string detail) => Refuse(
        fault switch
        {
            MediaFault.NotFound => 404,
            MediaFault.Conflict => 409,
            MediaFault.Closed => 410,
            MediaFault.Full => 503,
            _ => 400,
        },
        detail);

    public static IResult Problem(int status, string detail) => Refuse(status, detail).ToResult();

    public IResult ToResult() => Body is null
        ? Results.StatusCode(Status)
        : Results.Text(Body.ToJsonString(), Status >= 400 ? "application/problem+json" : "application/json", statusCode: Status);
}
