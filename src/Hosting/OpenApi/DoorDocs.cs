using System.Text.Json;

namespace VoiceCluster.Hosting.OpenApi;

/// <summary>A door as the OpenAPI document shows it: a tag, the way it writes JSON, and the shape of its errors.</summary>
public sealed class DoorDocs
{
    private readonly Func<int, string, string, object> _error;

    private DoorDocs(string name, string description, JsonSerializerOptions json, Type errorType, Func<int, string, string, object> error)
    {
        // The exporter of schemas wants to know how types are read.
        json.MakeReadOnly(populateMissingResolver: true);
        Name = name;
        Description = description;
        Json = json;
        ErrorType = errorType;
        _error = error;
    }

    /// <summary>The tag of the door's operations.</summary>
    public string Name { get; }

    /// <summary>What the door is, in a sentence or two.</summary>
    public string Description { get; }

    /// <summary>How the door reads and writes JSON: its naming decides the names in the schemas.</summary>
    public JsonSerializerOptions Json { get; }

    /// <summary>The type of the door's errors.</summary>
    public Type ErrorType { get; }

    /// <summary>Describes a door.</summary>
    /// <param name="name">The tag of its operations.</param>
    /// <param name="description">What it is, in a sentence or two.</param>
    /// <param name="json">The options that it writes JSON with.</param>
    /// <param name="error">An error in its own shape, by HTTP status, code and message.</param>
    public static DoorDocs Of<TError>(string name, string description, JsonSerializerOptions json, Func<int, string, string, TError> error)
        where TError : notnull => new(name, description, json, typeof(TError), (status, code, message) => error(status, code, message));

    /// <summary>Begins the description of a route.</summary>
    /// <param name="id">A name that no other operation has, such as <c>startCall</c>.</param>
    /// <param name="summary">What the route does, in a few words.</param>
    public RouteDocs Route(string id, string summary) => new(this, id, summary);

    /// <summary>An error of this door as it stands in an answer.</summary>
    internal object Error(int status, string code, string message) => _error(status, code, message);
}
