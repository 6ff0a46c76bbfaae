using System.Text.Json;
using System.Text.Json.Nodes;

namespace VoiceCluster.ApiFrontend.Tests.OpenApi;

/// <summary>Holds a value against a schema of the document: types, members, lists, enumerations and formats; no member that is not described.</summary>
internal sealed class SchemaCheck(JsonObject document)
{
    private readonly List<string> _faults = [];

    /// <summary>What is wrong with the value, or nothing.</summary>
    public static IReadOnlyList<string> Faults(JsonObject document, JsonNode schema, JsonNode? value)
    {
        SchemaCheck check = new(document);
        check.Check(schema, value, "$");
        return check._faults;
    }

    private void Check(JsonNode node, JsonNode? value, string path)
    {
        var schema = Resolve(node.AsObject());
        if (schema["type"] is { } types && !KindsOf(types).Contains(KindOf(value)) && !(KindOf(value) == "integer" && KindsOf(types).Contains("number")))
        {
            _faults.Add($"{path} is {KindOf(value)}, not {types.ToJsonString()}");
            return;
        }

        if (schema["enum"] is JsonArray allowed && !allowed.Any(a => JsonNode.DeepEquals(a, value)))
        {
            _faults.Add($"{path} is {value?.ToJsonString()}, not one of {allowed.ToJsonString()}");
        }

        switch (value)
        {
            case JsonObject members:
                CheckMembers(schema, members, path);
                break;
            case JsonArray items when schema["items"] is { } item:
                for (var i = 0; i < items.Count; i++)
                {
                    Check(item, items[i], $"{path}[{i}]");
                }

                break;
            case JsonValue text when schema["format"]?.GetValue<string>() is { } format && !HasFormat(format, text):
                _faults.Add($"{path} is {text.ToJsonString()}, not a {format}");
                break;
        }
    }

    private void CheckMembers(JsonObject schema, JsonObject members, string path)
    {
        foreach (var name in (schema["required"] as JsonArray ?? []).Select(n => n!.GetValue<string>()).Where(n => !members.ContainsKey(n)))
        {
            _faults.Add($"{path}.{name} is missing");
        }

        var described = schema["properties"] as JsonObject;
        foreach (var (name, value) in members)
        {
            if (described?[name] is { } member)
            {
                Check(member, value, $"{path}.{name}");
            }
            else if (schema["additionalProperties"] is JsonObject any)
            {
                Check(any, value, $"{path}.{name}");
            }
            else if (described is not null)
            {
                _faults.Add($"{path}.{name} is not described");
            }
        }
    }

    private JsonObject Resolve(JsonObject schema) => schema["$ref"]?.GetValue<string>() is { } reference
        ? Resolve(document["components"]!["schemas"]![reference["#/components/schemas/".Length..]]!.AsObject())
        : schema;

    private static string[] KindsOf(JsonNode types)
        => types is JsonArray several ? [.. several.Select(t => t!.GetValue<string>())] : [types.GetValue<string>()];

    private static string KindOf(JsonNode? value) => value?.GetValueKind() switch
    {
        null or JsonValueKind.Null => "null",
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => value.AsValue().TryGetValue<long>(out _) || value.ToJsonString().All(c => char.IsAsciiDigit(c) || c == '-') ? "integer" : "number",
        _ => "boolean",
    };

    private static bool HasFormat(string format, JsonValue value) => format switch
    {
        "uuid" => Guid.TryParseExact(value.GetValue<string>(), "D", out _),
        "date-time" => DateTimeOffset.TryParse(value.GetValue<string>(), System.Globalization.CultureInfo.InvariantCulture, out _) && value.GetValue<string>().Contains('T'),
        "uri" => Uri.TryCreate(value.GetValue<string>(), UriKind.Absolute, out _),
        _ => true,
    };
}
