using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace VoiceCluster.Hosting.OpenApi;

/// <summary>
/// Writes the OpenAPI 3.1 document of the routes of a process from their <see cref="RouteDocs"/>. Doors read bodies themselves
/// and have JSON habits of their own, which is why nothing is guessed from handlers.
/// </summary>
public static partial class ApiDocument
{
    private const string SecurityScheme = "token";

    /// <summary>The document. Routes that have no method, and those excluded from description, are not in it.</summary>
    public static async Task<JsonObject> WriteAsync(IEnumerable<Endpoint> endpoints, IRouteGuards guards)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(guards);
        ApiSchemas schemas = new();
        SortedDictionary<string, JsonObject> paths = new(StringComparer.Ordinal);
        SortedDictionary<string, string> doors = new(StringComparer.Ordinal);
        foreach (var endpoint in endpoints.OfType<RouteEndpoint>().Where(IsDescribed))
        {
            var docs = endpoint.Metadata.GetMetadata<RouteDocs>()!;
            doors.TryAdd(docs.Door.Name, docs.Door.Description);
            var path = PathOf(endpoint);
            if (!paths.TryGetValue(path, out var item))
            {
                paths.Add(path, item = []);
            }

            foreach (var method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods)
            {
                item[method.ToLowerInvariant()] = Operation(docs, await guards.OfAsync(endpoint).ConfigureAwait(false), schemas);
            }
        }

        return new JsonObject
        {
            ["openapi"] = "3.1.1",
            ["info"] = Info(),
            ["servers"] = new JsonArray(new JsonObject { ["url"] = "/", ["description"] = "This server" }),
            ["tags"] = new JsonArray([.. doors.Select(d => new JsonObject { ["name"] = d.Key, ["description"] = d.Value })]),
            ["paths"] = new JsonObject(paths.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))),
            ["components"] = new JsonObject
            {
                ["schemas"] = schemas.Write(),
                ["securitySchemes"] = new JsonObject
                {
                    [SecurityScheme] = new JsonObject
                    {
                        ["type"] = "http",
                        ["scheme"] = "bearer",
                        ["bearerFormat"] = "JWT",
                        ["description"] = "A JWT in the header Authorization. WebSockets also take it as ?token= or as the subprotocols bearer, <token>.",
                    },
                },
            },
        };
    }

    /// <summary>Whether a route stands in the document: it has methods, is described, and not excluded.</summary>
    public static bool IsDescribed(RouteEndpoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return endpoint.Metadata.GetMetadata<IHttpMethodMetadata>() is { HttpMethods.Count: > 0 }
            && endpoint.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is not { ExcludeFromDescription: true }
            && endpoint.Metadata.GetMetadata<RouteDocs>() is not null;
    }

    /// <summary>A route's pattern as a path of the document: without constraints, with one slash before.</summary>
    public static string PathOf(RouteEndpoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return "/" + Parameter().Replace(endpoint.RoutePattern.RawText ?? "", "{$1}").Trim('/');
    }

    private static JsonObject Info() => new()
    {
        ["title"] = "VoiceCluster",
        ["version"] = typeof(ApiDocument).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0",
        ["description"] = "The REST routes of the doors into one voice cluster. What goes over WebSocket, Socket.IO and UDP is in docs/protocols.",
        ["license"] = new JsonObject { ["name"] = "MIT", ["identifier"] = "MIT" },
    };

    private static JsonObject Operation(RouteDocs docs, RouteGuards guards, ApiSchemas schemas)
    {
        var operation = new JsonObject
        {
            ["operationId"] = docs.Id,
            ["tags"] = new JsonArray(docs.Door.Name),
            ["summary"] = docs.Summary,
        };
        if (docs.Description is { } description)
        {
            operation["description"] = description;
        }

        operation["security"] = guards.Security switch
        {
            RouteSecurity.Required => new JsonArray(new JsonObject { [SecurityScheme] = new JsonArray() }),
            RouteSecurity.Optional => new JsonArray(new JsonObject(), new JsonObject { [SecurityScheme] = new JsonArray() }),
            _ => new JsonArray(),
        };
        if (docs.Parameters.Count > 0)
        {
            operation["parameters"] = new JsonArray([.. docs.Parameters.Select(WriteParameter)]);
        }

        if (docs.Request is { } body)
        {
            operation["requestBody"] = new JsonObject
            {
                ["required"] = true,
                ["content"] = Content(
                    "application/json",
                    schemas.Refer(docs.Door, body.Type),
                    [.. body.Examples.Select(e => (e.Name, (string?)null, JsonNode.Parse(e.Json)))]),
            };
        }

        operation["responses"] = Responses(docs, guards, schemas);
        return operation;
    }

    private static JsonObject WriteParameter(RouteParameter parameter)
    {
        var schema = new JsonObject { ["type"] = parameter.Format == "integer" ? "integer" : "string" };
        if (parameter.Format is { } format and not "integer")
        {
            schema["format"] = format;
        }

        return new JsonObject
        {
            ["name"] = parameter.Name,
            ["in"] = parameter.In,
            ["description"] = parameter.Description,
            ["required"] = parameter.IsRequired,
            ["schema"] = schema,
            ["example"] = parameter.Format == "integer" ? int.Parse(parameter.Example, CultureInfo.InvariantCulture) : parameter.Example,
        };
    }

    private static JsonObject Responses(RouteDocs docs, RouteGuards guards, ApiSchemas schemas)
    {
        SortedDictionary<int, JsonObject> responses = [];
        foreach (var answer in docs.Answers)
        {
            var response = new JsonObject { ["description"] = answer.Description };
            if (answer.MediaType is { } mediaType)
            {
                var schema = answer.Type is { } type ? schemas.Refer(docs.Door, type) : new JsonObject { ["type"] = "string" };
                JsonNode? example = answer.Type is null ? JsonValue.Create(answer.Example) : JsonNode.Parse(answer.Example!);
                response["content"] = Content(mediaType, schema, [("default", null, example)]);
            }

            responses.Add(answer.Status, response);
        }

        var errors = docs.Errors
            .Select(e => new GuardAnswer(
                e.Status, e.Code, e.Message, JsonSerializer.SerializeToNode(docs.Door.Error(e.Status, e.Code, e.Message), docs.Door.Json)!, HasRetryAfter: false))
            .Concat(guards.Answers);
        foreach (var group in errors.GroupBy(e => e.Status))
        {
            var ofStatus = group.DistinctBy(e => (e.Code, e.Message)).ToArray();
            var response = new JsonObject
            {
                ["description"] = $"{ReasonOf(group.Key)}: {string.Join(", ", ofStatus.Select(e => e.Code).Distinct())}",
                ["content"] = Content(
                    "application/json",
                    schemas.Refer(docs.Door, docs.Door.ErrorType),
                    [.. ofStatus.GroupBy(e => e.Code).SelectMany(WithNames)]),
            };
            if (ofStatus.Any(e => e.HasRetryAfter))
            {
                response["headers"] = new JsonObject
                {
                    ["Retry-After"] = new JsonObject
                    {
                        ["description"] = "Seconds to wait.",
                        ["schema"] = new JsonObject { ["type"] = "integer", ["minimum"] = 1 },
                        ["example"] = 1,
                    },
                };
            }

            // A route may have described the status itself, as readiness does with 503.
            responses.TryAdd(group.Key, response);
        }

        return new JsonObject(responses.Select(r => KeyValuePair.Create(r.Key.ToString(CultureInfo.InvariantCulture), (JsonNode?)r.Value)));
    }

    /// <summary>Errors of one code differ by their message and are numbered.</summary>
    private static IEnumerable<(string Name, string? Summary, JsonNode? Value)> WithNames(IEnumerable<GuardAnswer> ofCode)
        => ofCode.Select((e, i) => (i == 0 ? e.Code : $"{e.Code}_{i + 1}", (string?)e.Message, (JsonNode?)e.Body));

    private static JsonObject Content(string mediaType, JsonObject schema, (string Name, string? Summary, JsonNode? Value)[] examples)
    {
        var named = new JsonObject();
        foreach (var (name, summary, value) in examples)
        {
            var example = new JsonObject { ["value"] = value?.DeepClone() };
            if (summary is not null)
            {
                example.Insert(0, "summary", summary);
            }

            named[name] = example;
        }

        return new JsonObject { [mediaType] = new JsonObject { ["schema"] = schema, ["examples"] = named } };
    }

    private static string ReasonOf(int status) => Enum.IsDefined((HttpStatusCode)status)
        ? SplitWords().Replace(((HttpStatusCode)status).ToString(), " $1").Trim()
        : status.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\{\**([A-Za-z0-9_]+)[^}]*\}")]
    private static partial Regex Parameter();

    [GeneratedRegex("([A-Z][a-z]*)")]
    private static partial Regex SplitWords();
}
