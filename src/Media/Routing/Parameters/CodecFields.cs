using System.Globalization;
using System.Text.Json;

namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>Access to fmtp fields, which clients send as numbers or as strings.</summary>
internal static class CodecFields
{
    public const string AssociatedPayloadType = "apt";
    public const string PacketizationMode = "packetization-mode";
    public const string ProfileLevelId = "profile-level-id";
    public const string Vp9Profile = "profile-id";

    public static JsonElement Number(int value) => JsonElement.Parse(value.ToString(CultureInfo.InvariantCulture));

    public static JsonElement Text(string value) => JsonElement.Parse($"\"{value}\"");

    public static int? Int(Dictionary<string, JsonElement> fields, string name)
    {
        if (!fields.TryGetValue(name, out var value))
        {
            return null;
        }

        return value.ValueKind switch
        {
            JsonValueKind.Number when value.TryGetInt32(out var number) => number,
            JsonValueKind.String when int.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
            _ => null,
        };
    }

    public static string? String(Dictionary<string, JsonElement> fields, string name)
    {
        if (!fields.TryGetValue(name, out var value))
        {
            return null;
        }

        // A profile-level-id such as 640032 is taken for a number by some SDP parsers.
        return value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            _ => null,
        };
    }
}
