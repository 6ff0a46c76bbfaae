namespace VoiceCluster.Hosting.OpenApi;

/// <summary>
/// What the OpenAPI document says about a route. It stands beside the route as metadata (<c>WithDocs</c>). Examples are JSON
/// as it goes over the wire; a test holds each of them against its schema.
/// </summary>
public sealed class RouteDocs
{
    private readonly List<RouteParameter> _parameters = [];
    private readonly List<RouteAnswer> _answers = [];
    private readonly List<RouteError> _errors = [];

    internal RouteDocs(DoorDocs door, string id, string summary)
    {
        Door = door;
        Id = id;
        Summary = summary;
    }

    /// <summary>The door that the route belongs to.</summary>
    public DoorDocs Door { get; }

    /// <summary>The operation's unique name.</summary>
    public string Id { get; }

    /// <summary>What the route does, in a few words.</summary>
    public string Summary { get; }

    /// <summary>More about it, or null.</summary>
    public string? Description { get; private set; }

    /// <summary>Parameters in path and query.</summary>
    public IReadOnlyList<RouteParameter> Parameters => _parameters;

    /// <summary>The request's body, or null.</summary>
    public RouteBody? Request { get; private set; }

    /// <summary>Answers that are no errors.</summary>
    public IReadOnlyList<RouteAnswer> Answers => _answers;

    /// <summary>Errors that the door itself answers; those of tokens and limits come from the route's policy.</summary>
    public IReadOnlyList<RouteError> Errors => _errors;

    /// <summary>Says more than the summary.</summary>
    public RouteDocs About(string description)
    {
        Description = description;
        return this;
    }

    /// <summary>A part of the path. A format is one of JSON Schema's, such as <c>uuid</c>.</summary>
    public RouteDocs Path(string name, string description, string example, string? format = null)
    {
        _parameters.Add(new RouteParameter(name, "path", description, example, format, IsRequired: true));
        return this;
    }

    /// <summary>A parameter in the query.</summary>
    public RouteDocs Query(string name, string description, string example, bool required = false, string? format = null)
    {
        _parameters.Add(new RouteParameter(name, "query", description, example, format, required));
        return this;
    }

    /// <summary>The body. A type that only describes it is as good as the one that it is read into. Further examples have names.</summary>
    public RouteDocs Body<T>(string example, params (string Name, string Json)[] more)
    {
        Request = new RouteBody(typeof(T), [("default", example), .. more]);
        return this;
    }

    /// <summary>An answer with a JSON body.</summary>
    public RouteDocs Answer<T>(int status, string description, string example)
    {
        _answers.Add(new RouteAnswer(status, description, typeof(T), "application/json", example));
        return this;
    }

    /// <summary>An answer without a body, such as 204 or 101.</summary>
    public RouteDocs Answer(int status, string description)
    {
        _answers.Add(new RouteAnswer(status, description, null, null, null));
        return this;
    }

    /// <summary>An answer in another format than JSON.</summary>
    public RouteDocs Answer(int status, string description, string mediaType, string example)
    {
        _answers.Add(new RouteAnswer(status, description, null, mediaType, example));
        return this;
    }

    /// <summary>An error, which the document shows in the door's shape. Several may have one status.</summary>
    public RouteDocs Error(int status, string code, string message)
    {
        _errors.Add(new RouteError(status, code, message));
        return this;
    }
}

/// <summary>A parameter of a route.</summary>
/// <param name="In">Where it stands: <c>path</c> or <c>query</c>.</param>
/// <param name="Format">A format of JSON Schema, or null.</param>
public sealed record RouteParameter(string Name, string In, string Description, string Example, string? Format, bool IsRequired);

/// <summary>A request's body.</summary>
public sealed record RouteBody(Type Type, IReadOnlyList<(string Name, string Json)> Examples);

/// <summary>An answer. Without a media type it has no body.</summary>
public sealed record RouteAnswer(int Status, string Description, Type? Type, string? MediaType, string? Example);

/// <summary>An error of a route.</summary>
public sealed record RouteError(int Status, string Code, string Message);
