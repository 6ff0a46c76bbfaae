using System.Globalization;
using System.Text.Json;

namespace VoiceCluster.Events.Tests.Schemas;

/// <summary>
/// Validates against the part of JSON Schema 2020-12 that our schemas use; a keyword that it does not know is an error, so
/// that no schema says what nobody checks. Stricter than the standard: members that no schema describes are errors too.
/// </summary>
internal sealed class JsonSchema
{
    private static readonly HashSet<string> Silent = ["$schema", "$defs", "title", "description"];

    private readonly string _folder;
    private readonly JsonElement _root;

    private JsonSchema(string file)
    {
        _folder = Path.GetDirectoryName(file)!;
        _root = JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(file));
    }

    public JsonElement Root => _root;

    public static JsonSchema Load(string file) => new(file);

    /// <summary>Everything that is wrong with the value.</summary>
    public List<string> Validate(JsonElement value)
    {
        var errors = new List<string>();
        Validate(_root, value, "$", errors);
        return errors;
    }

    private void Validate(JsonElement schema, JsonElement value, string at, List<string> errors)
    {
        foreach (var keyword in schema.EnumerateObject().Where(k => !Silent.Contains(k.Name)))
        {
            var rule = keyword.Value;
            switch (keyword.Name)
            {
                case "$ref":
                    Follow(rule.GetString()!, value, at, errors);
                    break;
                case "type" when !Types(rule).Any(t => IsOfType(value, t)):
                    errors.Add($"{at} is {value.ValueKind}, not {rule}");
                    break;
                case "const" when !JsonElement.DeepEquals(rule, value):
                    errors.Add($"{at} is {value}, not {rule}");
                    break;
                case "enum" when !rule.EnumerateArray().Any(v => JsonElement.DeepEquals(v, value)):
                    errors.Add($"{at} is {value}, none of {rule}");
                    break;
                case "minimum" when value.ValueKind == JsonValueKind.Number && value.GetDouble() < rule.GetDouble():
                case "maximum" when value.ValueKind == JsonValueKind.Number && value.GetDouble() > rule.GetDouble():
                case "minLength" when value.ValueKind == JsonValueKind.String && value.GetString()!.Length < rule.GetInt32():
                case "maxLength" when value.ValueKind == JsonValueKind.String && value.GetString()!.Length > rule.GetInt32():
                case "minItems" when value.ValueKind == JsonValueKind.Array && value.GetArrayLength() < rule.GetInt32():
                    errors.Add($"{at} breaks {keyword.Name} {rule}");
                    break;
                case "format" when value.ValueKind == JsonValueKind.String && !HasFormat(value.GetString()!, rule.GetString()!):
                    errors.Add($"{at} is '{value}', no {rule}");
                    break;
                case "items" when value.ValueKind == JsonValueKind.Array:
                    foreach (var (item, index) in value.EnumerateArray().Select((v, i) => (v, i)))
                    {
                        Validate(rule, item, $"{at}[{index}]", errors);
                    }

                    break;
                case "required" when value.ValueKind == JsonValueKind.Object:
                    errors.AddRange(rule.EnumerateArray().Where(n => !value.TryGetProperty(n.GetString()!, out _)).Select(n => $"{at} lacks {n}"));
                    break;
                case "properties" when value.ValueKind == JsonValueKind.Object:
                    foreach (var member in value.EnumerateObject())
                    {
                        if (rule.TryGetProperty(member.Name, out var inner))
                        {
                            Validate(inner, member.Value, $"{at}.{member.Name}", errors);
                        }
                        else
                        {
                            errors.Add($"{at}.{member.Name} is not described");
                        }
                    }

                    break;
                case "type" or "const" or "enum" or "minimum" or "maximum" or "minLength" or "maxLength" or "minItems" or "format" or "items"
                    or "required" or "properties":
                    break;
                default:
                    errors.Add($"{at}: the keyword {keyword.Name} is not known here");
                    break;
            }
        }
    }

    /// <summary>file#/pointer, or #/pointer into the same file.</summary>
    private void Follow(string reference, JsonElement value, string at, List<string> errors)
    {
        var (file, pointer) = (reference[..reference.IndexOf('#', StringComparison.Ordinal)], reference[(reference.IndexOf('#', StringComparison.Ordinal) + 1)..]);
        var schema = file.Length == 0 ? this : Load(Path.Combine(_folder, file));
        var target = pointer.Split('/', StringSplitOptions.RemoveEmptyEntries).Aggregate(schema._root, (e, name) => e.GetProperty(name));
        schema.Validate(target, value, at, errors);
    }

    private static IEnumerable<string> Types(JsonElement rule) =>
        rule.ValueKind == JsonValueKind.Array ? rule.EnumerateArray().Select(t => t.GetString()!) : [rule.GetString()!];

    private static bool IsOfType(JsonElement value, string type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        _ => false,
    };

    private static bool HasFormat(string text, string format) => format switch
    {
        "uuid" => Guid.TryParseExact(text, "D", out _),

        // RFC 3339: a date, T, a time and an offset.
        "date-time" => text.Length >= 20 && text[10] == 'T' && (text.EndsWith('Z') || text[^6] is '+' or '-')
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out _),
        _ => false,
    };
}
