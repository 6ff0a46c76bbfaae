using System.Text.Json;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>Reads the fields of an event's argument. The first wrong one is remembered, and all that follow are skipped.</summary>
internal sealed class MediasoupRequest
{
    private const int MaxTextLength = 128;

    private readonly JsonElement _body;

    public MediasoupRequest(JsonElement body)
    {
        _body = body;
        if (body.ValueKind != JsonValueKind.Object)
        {
            Refuse("The event takes one object.");
        }
    }

    /// <summary>What is wrong, or null.</summary>
    public Fault? Fault { get; private set; }

    /// <summary>A text of 1 to 128 characters.</summary>
    public string Text(string name) => OptionalText(name) ?? Missing(name);

    public string? OptionalText(string name, int maxLength = MaxTextLength)
    {
        JsonElement value = Find(name);
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String || value.GetString() is not { Length: > 0 } text || text.Length > maxLength)
        {
            Refuse($"{name} must be a text of 1 to {maxLength} characters.");
            return "";
        }

        return text;
    }

    /// <summary>A user id as clients write it: a text or a number. The JSON is shown back unchanged.</summary>
    public (string Text, string Json) UserId(string name)
    {
        JsonElement value = Find(name);
        if (value.ValueKind == JsonValueKind.Number && value.GetRawText() is { Length: <= MaxTextLength } number)
        {
            return (number, number);
        }

        if (value.ValueKind == JsonValueKind.Number)
        {
            Refuse($"{name} is too long a number.");
            return ("", "null");
        }

        string text = Text(name);
        return (text, Fault is null ? value.GetRawText() : "null");
    }

    /// <summary>An object, as JSON.</summary>
    public string Object(string name)
    {
        JsonElement value = Find(name);
        if (value.ValueKind == JsonValueKind.Object)
        {
            return value.GetRawText();
        }

        Refuse($"{name} must be an object.");
        return "{}";
    }

    public bool OptionalFlag(string name)
    {
        JsonElement value = Find(name);
        if (value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.True or JsonValueKind.False))
        {
            Refuse($"{name} must be true or false.");
        }

        return value.ValueKind == JsonValueKind.True;
    }

    public int Layer(string name) => OptionalLayer(name) ?? (Fault is null ? MissingNumber(name) : 0);

    public int? OptionalLayer(string name) => OptionalWhole(name, 0, 7);

    /// <summary>mediasoup's range of priorities.</summary>
    public int Priority(string name) => OptionalWhole(name, 1, 255) ?? (Fault is null ? MissingNumber(name) : 0);

    /// <summary>Bits a second; 0 for no limit.</summary>
    public long Bitrate(string name)
    {
        int bitrate = OptionalWhole(name, 0, (int)TransportBitrates.Most) ?? (Fault is null ? MissingNumber(name) : 0);
        if (bitrate is > 0 and < (int)TransportBitrates.Least)
        {
            Refuse($"{name} must be 0, for no limit, or at least {TransportBitrates.Least}.");
        }

        return bitrate;
    }

    private int? OptionalWhole(string name, int least, int most)
    {
        JsonElement value = Find(name);
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out int number) || number < least || number > most)
        {
            Refuse($"{name} must be a whole number from {least} to {most}.");
            return least;
        }

        return number;
    }

    public MediaKind Kind(string name)
    {
        switch (Text(name))
        {
            case "audio":
                return MediaKind.Audio;
            case "video":
                return MediaKind.Video;
            default:
                Refuse($"{name} must be \"audio\" or \"video\".");
                return default;
        }
    }

    private JsonElement Find(string name)
        => _body.ValueKind == JsonValueKind.Object && _body.TryGetProperty(name, out JsonElement value) ? value : default;

    private string Missing(string name)
    {
        Refuse($"{name} is missing.");
        return "";
    }

    private int MissingNumber(string name)
    {
        Refuse($"{name} is missing.");
        return 0;
    }

    private void Refuse(string message) => Fault ??= new Fault(FaultCode.Invalid, message);
}
