using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Tests.Auth;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Tests.OpenApi;

/// <summary>The document against the routes that are really mapped. A new route describes itself with <c>WithDocs</c>, or these tests fail.</summary>
public sealed partial class ApiDocumentTests(AccessWorld world) : IClassFixture<AccessWorld>, IAsyncLifetime
{
    /// <summary>Routes that are no REST, so that the document has no words for them.</summary>
    private static readonly string[] NotRest = ["/", "/socket.io"];

    private string _text = "";
    private JsonObject _document = [];

    public async Task InitializeAsync()
    {
        using var answer = await world.Http.GetAsync(OpenApiEndpoints.Path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        _text = await answer.Content.ReadAsStringAsync();
        _document = JsonNode.Parse(_text)!.AsObject();
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public void Document_ReadByTheOfficialReader_HasNoFault()
    {
        var read = OpenApiDocument.Parse(_text, OpenApiConstants.Json);

        Assert.Empty(read.Diagnostic!.Errors.Select(e => e.ToString()));
        Assert.Empty(read.Diagnostic.Warnings.Select(e => e.ToString()));
        Assert.Equal(OpenApiSpecVersion.OpenApi3_1, read.Diagnostic.SpecificationVersion);
        Assert.Empty(read.Document!.Validate(ValidationRuleSet.GetDefaultRuleSet()).Select(e => e.ToString()));
    }

    [Fact]
    public void Routes_All_AreInTheDocument()
    {
        var mapped = Endpoints().Where(e => !NotRest.Contains(ApiDocument.PathOf(e)))
            .SelectMany(e => (e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["(any method)"]).Select(m => $"{m} {ApiDocument.PathOf(e)}"));
        var described = Operations().Select(o => $"{o.Method.ToUpperInvariant()} {o.Path}");

        Assert.Equal(mapped.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Operations_All_SayWhatTheyDoAndAnswer()
    {
        List<string> faults = [];
        foreach (var (path, method, operation) in Operations())
        {
            var name = $"{method} {path}";
            Require(faults, name, "summary", operation["summary"]?.GetValue<string>() is { Length: > 4 } summary && !summary.EndsWith('.'));
            Require(faults, name, "one tag", operation["tags"] is JsonArray { Count: 1 });
            Require(faults, name, "an answer that is no error", Responses(operation).Any(r => r.Status is < 400));
            Require(faults, name, "a description of each answer", Responses(operation).All(r => r.Response["description"]?.GetValue<string>().Length > 0));
            foreach (var content in Contents(operation))
            {
                Require(faults, name, "an example of each body", content.MediaType["examples"] is JsonObject { Count: > 0 });
                Require(faults, name, "a schema of each body", content.MediaType["schema"] is JsonObject);
            }
        }

        Assert.Empty(faults);
    }

    [Fact]
    public void OperationIds_All_AreOneWordAndDiffer()
    {
        var ids = Operations().Select(o => o.Operation["operationId"]?.GetValue<string>() ?? "").ToArray();

        Assert.All(ids, id => Assert.Matches("^[a-z][A-Za-z0-9]+$", id));
        Assert.Empty(ids.GroupBy(i => i).Where(g => g.Count() > 1).Select(g => g.Key));
    }

    [Fact]
    public void Parameters_OfThePath_AreAllDescribedWithExamples()
    {
        foreach (var (path, method, operation) in Operations())
        {
            var parameters = (operation["parameters"] as JsonArray ?? []).Select(p => p!.AsObject()).ToArray();
            var inPath = parameters.Where(p => p["in"]!.GetValue<string>() == "path").Select(p => p["name"]!.GetValue<string>());

            Assert.Equal(PathParameter().Matches(path).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal), inPath.Order(StringComparer.Ordinal));
            Assert.All(parameters, p => Assert.True(p["example"] is not null && p["description"] is not null, $"{method} {path}: {p["name"]}"));
            foreach (var parameter in parameters)
            {
                Assert.Empty(SchemaCheck.Faults(_document, parameter["schema"]!, parameter["example"]));
            }
        }
    }

    [Fact]
    public void Examples_All_FitTheirSchemas()
    {
        List<string> faults = [];
        foreach (var (path, method, operation) in Operations())
        {
            foreach (var (where, mediaType) in Contents(operation))
            {
                foreach (var (name, example) in mediaType["examples"]!.AsObject())
                {
                    faults.AddRange(SchemaCheck.Faults(_document, mediaType["schema"]!, example!["value"])
                        .Select(fault => $"{method} {path}, {where}, {name}: {fault}"));
                }
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public void Schemas_All_AreReferredToAndExist()
    {
        var known = _document["components"]!["schemas"]!.AsObject().Select(s => s.Key).ToHashSet();
        var used = Reference().Matches(_text).Select(m => m.Groups[1].Value).ToHashSet();

        Assert.Equal(known.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
        Assert.DoesNotContain("\"$ref\":\"#/properties", _text, StringComparison.Ordinal);
    }

    [Fact]
    public void Security_OfEachOperation_IsTheRoutesPolicy()
    {
        var schemes = _document["components"]!["securitySchemes"]!.AsObject();
        Assert.Equal("bearer", Assert.Single(schemes).Value!["scheme"]!.GetValue<string>());
        foreach (var (path, method, operation) in Operations())
        {
            var access = RouteTableTests.Table.Single(r => r.Route == $"{method.ToUpperInvariant()} {path}").Access;
            var expected = access switch
            {
                RouteAccess.Public => "[]",
                RouteAccess.IdentityUnlessOpen => """[{},{"token":[]}]""",
                _ => """[{"token":[]}]""",
            };
            Assert.Equal(expected, operation["security"]!.ToJsonString());
            Assert.Equal(access != RouteAccess.Public, Responses(operation).Any(r => r.Status == 401));
        }
    }

    [Fact]
    public async Task Refusals_OverTheWire_AreTheExamplesOfTheDocument()
    {
        foreach (var (path, method, operation) in Operations().Where(o => Responses(o.Operation).Any(r => r.Status == 401)))
        {
            using HttpRequestMessage request = new(new HttpMethod(method.ToUpperInvariant()), PathParameter().Replace(path, TokenForge.Subject));
            using var answer = await world.Http.SendAsync(request);
            var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync());
            var examples = operation["responses"]!["401"]!["content"]!["application/json"]!["examples"]!.AsObject();

            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            Assert.Contains(examples, e => JsonNode.DeepEquals(e.Value!["value"], body));
        }
    }

    [Fact]
    public async Task Docs_Page_IsServedUnderAStrictPolicy()
    {
        using var page = await world.Http.GetAsync("/docs/");

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("script-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("http", policy, StringComparison.Ordinal);
    }

    private static void Require(List<string> faults, string operation, string what, bool isThere)
    {
        if (!isThere)
        {
            faults.Add($"{operation} lacks {what}");
        }
    }

    private IEnumerable<RouteEndpoint> Endpoints()
        => world.Services.GetRequiredService<EndpointDataSource>().Endpoints.Cast<RouteEndpoint>();

    private IEnumerable<(string Path, string Method, JsonObject Operation)> Operations()
        => _document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject().Select(o => (p.Key, o.Key, o.Value!.AsObject())));

    private static IEnumerable<(int Status, JsonObject Response)> Responses(JsonObject operation)
        => operation["responses"]!.AsObject().Select(r => (int.Parse(r.Key, System.Globalization.CultureInfo.InvariantCulture), r.Value!.AsObject()));

    private static IEnumerable<(string Where, JsonObject MediaType)> Contents(JsonObject operation)
    {
        var bodies = operation["requestBody"] is JsonObject body ? [("request", body)] : Array.Empty<(string, JsonObject)>();
        return bodies.Concat(Responses(operation).Select(r => ($"{r.Status}", r.Response)))
            .Where(b => b.Item2["content"] is JsonObject)
            .SelectMany(b => b.Item2["content"]!.AsObject().Select(c => (b.Item1, c.Value!.AsObject())));
    }

    [GeneratedRegex(@"\{([^}]+)\}")]
    private static partial Regex PathParameter();

    [GeneratedRegex("\"\\$ref\":\"#/components/schemas/([^\"]+)\"")]
    private static partial Regex Reference();
}
