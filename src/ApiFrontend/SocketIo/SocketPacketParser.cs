using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>
/// Reads the text of a Socket.IO packet: <c>type [attachments -] [namespace ,] [id] [json]</c>
/// (Socket.IO protocol 5, "Packet encoding").
/// </summary>
internal static class SocketPacketParser
{
    private const int MaxNamespaceBytes = 128;

    // Ids are counted in JavaScript numbers: 15 digits stay exact.
    private const int MaxIdDigits = 15;

    private static readonly string[] ReservedEvents =
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

    /// <summary>False for anything that a correct client would not send.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, int maxAttachments, int maxDepth, out SocketPacket packet)
    {
        packet = default;
        if (text.IsEmpty || text[0] is < (byte)'0' or > (byte)'6' || !Utf8.IsValid(text))
        {
            return false;
        }

        var type = (SocketPacketType)(text[0] - '0');
        text = text[1..];
        bool binary = type is SocketPacketType.BinaryEvent or SocketPacketType.BinaryAck;
        int attachments = 0;
        if (binary)
        {
            if (!TryReadNumber(ref text, maxDigits: 4, out long count) || count > maxAttachments || text.IsEmpty || text[0] != '-')
            {
                return false;
            }

            attachments = (int)count;
            text = text[1..];
        }

        if (!TryReadNamespace(ref text, out string ns))
        {
            return false;
        }

        long? id = null;
        if (!text.IsEmpty && char.IsAsciiDigit((char)text[0]))
        {
            if (!TryReadNumber(ref text, MaxIdDigits, out long number))
            {
                return false;
            }

            id = number;
        }

        JsonElement payload = default;
        if (!text.IsEmpty && !TryReadJson(text, maxDepth, out payload))
        {
            return false;
        }

        if (!IsValid(type, id, payload) || (binary && !PlaceholdersAreValid(payload, attachments)))
        {
            return false;
        }

        packet = new SocketPacket(type, attachments, ns, id, payload);
        return true;
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> text, int maxDigits, out long number)
    {
        number = 0;
        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit((char)text[digits]))
        {
            if (digits == maxDigits)
            {
                return false;
            }

            number = (number * 10) + (text[digits] - '0');
            digits++;
        }

        text = text[digits..];
        return digits > 0;
    }

    private static bool TryReadNamespace(ref ReadOnlySpan<byte> text, out string ns)
    {
        ns = "/";
        if (text.IsEmpty || text[0] != '/')
        {
            return true;
        }

        int end = text.IndexOf((byte)',');
        ReadOnlySpan<byte> name = end < 0 ? text : text[..end];
        text = end < 0 ? [] : text[(end + 1)..];

        // A namespace may carry a query string, which is not part of its name.
        int query = name.IndexOf((byte)'?');
        name = query < 0 ? name : name[..query];
        if (name.Length > MaxNamespaceBytes)
        {
            return false;
        }

        ns = Encoding.UTF8.GetString(name);
        return true;
    }

    private static bool TryReadJson(ReadOnlySpan<byte> text, int maxDepth, out JsonElement payload)
    {
        payload = default;
        try
        {
            var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = maxDepth });
            payload = JsonElement.ParseValue(ref reader);
            return !reader.Read() && HasReadableText(text, payload);
        }
        catch (JsonException)
        {
            // The framework's reader has no other way to say that the text is not JSON.
            return false;
        }
    }

    /// <summary>An escaped lone surrogate is legal JSON but no text: whoever read it as a string later would get an exception.</summary>
    private static bool HasReadableText(ReadOnlySpan<byte> text, JsonElement payload)
        => (text.IndexOf("\\ud"u8) < 0 && text.IndexOf("\\uD"u8) < 0) || IsReadable(payload);

    private static bool IsReadable(JsonElement element)
    {
        try
        {
            switch (element.ValueKind)
            {
                case JsonValueKind.String:
                    _ = element.GetString();
                    return true;
                case JsonValueKind.Array:
                    foreach (JsonElement item in element.EnumerateArray())
                    {
                        if (!IsReadable(item))
                        {
                            return false;
                        }
                    }

                    return true;
                case JsonValueKind.Object:
                    foreach (JsonProperty property in element.EnumerateObject())
                    {
                        _ = property.Name;
                        if (!IsReadable(property.Value))
                        {
                            return false;
                        }
                    }

                    return true;
                default:
                    return true;
            }
        }
        catch (InvalidOperationException)
        {
            // Thrown for a string that cannot be written in UTF-16; there is no Try form.
            return false;
        }
    }

    private static bool IsValid(SocketPacketType type, long? id, JsonElement payload) => type switch
    {
        SocketPacketType.Connect => id is null && payload.ValueKind is JsonValueKind.Undefined or JsonValueKind.Object,
        SocketPacketType.Disconnect => id is null && payload.ValueKind is JsonValueKind.Undefined,
        SocketPacketType.Event or SocketPacketType.BinaryEvent => IsEvent(payload),
        SocketPacketType.Ack or SocketPacketType.BinaryAck => id is not null && payload.ValueKind is JsonValueKind.Array,
        SocketPacketType.ConnectError => payload.ValueKind is JsonValueKind.Object or JsonValueKind.String,
        _ => false,
    };

    private static bool IsEvent(JsonElement payload)
        => payload.ValueKind == JsonValueKind.Array
            && payload.GetArrayLength() > 0
            && payload[0].ValueKind == JsonValueKind.String
            && Array.IndexOf(ReservedEvents, payload[0].GetString()) < 0;

    private static bool PlaceholdersAreValid(JsonElement element, int attachments)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                {
                    if (!PlaceholdersAreValid(item, attachments))
                    {
                        return false;
                    }
                }

                return true;
            case JsonValueKind.Object:
                if (BinaryPlaceholder.Is(element))
                {
                    return BinaryPlaceholder.TryGetIndex(element, out int index) && index < attachments;
                }

                foreach (JsonProperty property in element.EnumerateObject())
                {
                    if (!PlaceholdersAreValid(property.Value, attachments))
                    {
                        return false;
                    }
                }

                return true;
            default:
                return true;
        }
    }
}

/// <summary><c>{"_placeholder":true,"num":0}</c> stands for an attachment.</summary>
internal static class BinaryPlaceholder
{
    public static bool Is(JsonElement element)
        => element.ValueKind == JsonValueKind.Object
            && element.TryGetProperty("_placeholder"u8, out JsonElement mark)
            && mark.ValueKind == JsonValueKind.True;

    public static bool TryGetIndex(JsonElement element, out int index)
    {
        index = -1;
        return element.TryGetProperty("num"u8, out JsonElement number)
            && number.ValueKind == JsonValueKind.Number
            && number.TryGetInt32(out index)
            && index >= 0;
    }
}
