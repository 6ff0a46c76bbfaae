using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>
/// The arguments of an event or an ack: a JSON array, whose binary values are placeholders for the attachments.
/// </summary>
public sealed class SocketIoPayload
{
    /// <summary>Frames are never part of a page's HTML: text stays as it is, unescaped and short.</summary>
    internal static readonly JsonWriterOptions WireJson = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private SocketIoPayload(JsonElement items, IReadOnlyList<ReadOnlyMemory<byte>> attachments)
    {
        Items = items;
        Attachments = attachments;
    }

    /// <summary>No arguments.</summary>
    public static SocketIoPayload Empty { get; } = new(JsonSerializer.SerializeToElement(Array.Empty<int>()), []);

    /// <summary>The arguments, a JSON array.</summary>
    public JsonElement Items { get; }

    /// <summary>The binary values that the placeholders name.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Attachments { get; }

    /// <summary>How many arguments there are.</summary>
    public int Count => Items.GetArrayLength();

    /// <summary>One argument written as JSON.</summary>
    public static SocketIoPayload Of(Action<Utf8JsonWriter> argument)
    {
        var output = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(output, WireJson))
        {
            json.WriteStartArray();
            argument(json);
            json.WriteEndArray();
        }

        return new SocketIoPayload(JsonElement.Parse(output.WrittenSpan), []);
    }

    /// <summary>One argument.</summary>
    public static SocketIoPayload Of(JsonElement argument) => Of(argument.WriteTo);

    /// <summary>One binary argument.</summary>
    public static SocketIoPayload OfBinary(ReadOnlyMemory<byte> data) => new(
        JsonElement.Parse("""[{"_placeholder":true,"num":0}]"""u8), [data]);

    /// <summary>An array of arguments with the attachments that it names.</summary>
    public static SocketIoPayload OfItems(JsonElement items, IReadOnlyList<ReadOnlyMemory<byte>> attachments)
    {
        if (items.ValueKind != JsonValueKind.Array)
        {
            throw new ArgumentException("Arguments must be a JSON array.", nameof(items));
        }

        return new SocketIoPayload(items, attachments);
    }

    /// <summary>The argument at <paramref name="index"/>, or an undefined element.</summary>
    public JsonElement ItemOrDefault(int index) => index < Count ? Items[index] : default;

    /// <summary>The bytes that a placeholder stands for.</summary>
    public bool TryGetBinary(JsonElement placeholder, out ReadOnlyMemory<byte> data)
    {
        data = default;
        if (!BinaryPlaceholder.Is(placeholder) || !BinaryPlaceholder.TryGetIndex(placeholder, out int index) || index >= Attachments.Count)
        {
            return false;
        }

        data = Attachments[index];
        return true;
    }

    internal void WriteItems(Utf8JsonWriter json)
    {
        foreach (JsonElement item in Items.EnumerateArray())
        {
            item.WriteTo(json);
        }
    }

    /// <summary>The arguments of a received event: what follows its name.</summary>
    internal static SocketIoPayload AfterName(JsonElement eventItems, ReadOnlyMemory<byte>[] attachments)
    {
        var output = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(output, WireJson))
        {
            json.WriteStartArray();
            bool name = true;
            foreach (JsonElement item in eventItems.EnumerateArray())
            {
                if (!name)
                {
                    item.WriteTo(json);
                }

                name = false;
            }

            json.WriteEndArray();
        }

        return new SocketIoPayload(JsonElement.Parse(output.WrittenSpan), attachments);
    }
}
