using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace VoiceCluster.Hosting.OpenApi;

/// <summary>
/// The schemas of the document's types, each once, under the name of its door. They are made from the types with the door's own
/// JSON options, so names and omissions are those of the wire. <c>[Description]</c> and <c>[AllowedValues]</c> on properties are shown.
/// </summary>
internal sealed class ApiSchemas
{
    private readonly SortedDictionary<string, JsonNode> _schemas = new(StringComparer.Ordinal);

    /// <summary>All schemas, for <c>components.schemas</c>.</summary>
    public JsonObject Write() => new(_schemas.Select(s => KeyValuePair.Create(s.Key, (JsonNode?)s.Value)));

    /// <summary>A reference to the schema of a type.</summary>
    public JsonObject Refer(DoorDocs door, Type type)
    {
        var isList = type.IsArray;
        var item = isList ? type.GetElementType()! : type;
        var name = $"{door.Name.Replace(' ', '-')}.{NameOf(item)}";
        if (!_schemas.ContainsKey(name))
        {
            _schemas.Add(name, Export(door.Json, item));
        }

        var reference = new JsonObject { ["$ref"] = $"#/components/schemas/{name}" };
        return isList ? new JsonObject { ["type"] = "array", ["items"] = reference } : reference;
    }

    private static JsonNode Export(JsonSerializerOptions json, Type type) => json.GetJsonSchemaAsNode(type, new JsonSchemaExporterOptions
    {
        TreatNullObliviousAsNonNullable = true,
        TransformSchemaNode = (context, node) => Dress(context, node, json.DefaultIgnoreCondition == JsonIgnoreCondition.WhenWritingNull),
    });

    private static JsonNode Dress(JsonSchemaExporterContext context, JsonNode node, bool omitsNulls)
    {
        // "Anything" is written true, which few readers know.
        var schema = node as JsonObject ?? [];
        if (omitsNulls)
        {
            OmitNulls(context.TypeInfo, schema);
        }

        var attributes = context.PropertyInfo?.AttributeProvider?.GetCustomAttributes(inherit: false) ?? [];
        if (attributes.OfType<AllowedValuesAttribute>().FirstOrDefault() is { } allowed)
        {
            schema["enum"] = new JsonArray([.. allowed.Values.Select(v => JsonSerializer.SerializeToNode(v))]);
        }

        if (attributes.OfType<DescriptionAttribute>().FirstOrDefault() is { } description)
        {
            schema["description"] = description.Description;
        }

        return schema;
    }

    /// <summary>A door that writes no nulls leaves such members out: they may be absent, and are never null.</summary>
    private static void OmitNulls(JsonTypeInfo type, JsonObject schema)
    {
        if (schema["type"] is JsonArray kinds)
        {
            var others = kinds.Select(k => k!.GetValue<string>()).Where(k => k != "null").ToArray();
            schema["type"] = others.Length == 1 ? others[0] : new JsonArray([.. others.Select(k => JsonValue.Create(k))]);
        }

        if (schema["required"] is JsonArray required)
        {
            foreach (var property in type.Properties.Where(p => p.IsGetNullable || Nullable.GetUnderlyingType(p.PropertyType) is not null))
            {
                required.RemoveAll(name => name!.GetValue<string>() == property.Name);
            }

            if (required.Count == 0)
            {
                schema.Remove("required");
            }
        }
    }

    private static string NameOf(Type type) => type.IsGenericType
        ? $"{type.Name[..type.Name.IndexOf('`')]}Of{string.Join("And", type.GetGenericArguments().Select(NameOf))}"
        : type.Name.Replace("[]", "List", StringComparison.Ordinal);
}
