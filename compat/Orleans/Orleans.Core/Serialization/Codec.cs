using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Orleans.Serialization;

/// <summary>Writes and reads values of one type.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class Codec
{
    internal Codec()
    {
    }

    internal abstract void WriteUntyped(Writer writer, uint id, object value);

    internal abstract object? ReadUntyped(Reader reader, WireType type);
}

/// <inheritdoc/>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class Codec<T> : Codec
{
    /// <summary>Writes a field.</summary>
    public abstract void Write(Writer writer, uint id, T value);

    /// <summary>Reads a field whose beginning was read.</summary>
    public abstract T Read(Reader reader, WireType type);

    internal sealed override void WriteUntyped(Writer writer, uint id, object value) => Write(writer, id, (T)value);

    internal sealed override object? ReadUntyped(Reader reader, WireType type) => Read(reader, type);
}

/// <summary>
/// Objects of a class or struct with [GenerateSerializer]: a block with the name of the type, empty when it is the
/// declared one, then the fields of each class, bases first. Fields of unknown ids are passed over, absent ones keep
/// their default.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class ObjectCodec<T> : Codec<T>
{
    /// <summary>Writes the fields of this class and its bases.</summary>
    public abstract void WriteFields(Writer writer, ref T value);

    /// <summary>Reads them.</summary>
    public abstract void ReadFields(Reader reader, ref T value);

    /// <inheritdoc/>
    public sealed override void Write(Writer writer, uint id, T value)
    {
        if (value is null)
        {
            writer.WriteHeader(id, WireType.Null);
            return;
        }

        if (value.GetType() != typeof(T))
        {
            NamedValues.Write(writer, id, value);
            return;
        }

        writer.WriteHeader(id, WireType.Block);
        var block = writer.BeginBlock();
        writer.WriteVarInt(0);
        WriteFields(writer, ref value);
        writer.EndBlock(block);
    }

    /// <inheritdoc/>
    public sealed override T Read(Reader reader, WireType type)
    {
        if (type == WireType.Null)
        {
            return default!;
        }

        Reader.Expect(WireType.Block, type);
        var outer = reader.BeginBlock();
        var name = reader.ReadString();
        var value = name.Length == 0 ? ReadExact(reader) : NamedValues.Cast<T>(NamedValues.ReadInside(reader, name));
        reader.EndBlock(outer);
        return value;
    }

    private T ReadExact(Reader reader)
    {
        if (typeof(T).IsAbstract)
        {
            throw new SerializerException($"{typeof(T)} is abstract, and the input names no derived type.");
        }

        var value = typeof(T).IsValueType ? default! : (T)RuntimeHelpers.GetUninitializedObject(typeof(T));
        ReadFields(reader, ref value);
        return value;
    }
}

/// <summary>Values whose type is not the declared one: a block with the type's name and one field.</summary>
internal static class NamedValues
{
    public static void Write(Writer writer, uint id, object value)
    {
        var type = value.GetType();
        writer.WriteHeader(id, WireType.Block);
        var block = writer.BeginBlock();
        writer.WriteString(TypeNames.NameOf(type));
        Codecs.For(type).WriteUntyped(writer, 0, value);
        writer.EndBlock(block);
    }

    public static object? Read(Reader reader, WireType type)
    {
        if (type == WireType.Null)
        {
            return null;
        }

        Reader.Expect(WireType.Block, type);
        var outer = reader.BeginBlock();
        var value = ReadInside(reader, reader.ReadString());
        reader.EndBlock(outer);
        return value;
    }

    public static object? ReadInside(Reader reader, string name)
    {
        var codec = Codecs.For(TypeNames.TypeOf(name));
        return reader.TryReadHeader(out _, out var type)
            ? codec.ReadUntyped(reader, type)
            : throw new SerializerException($"The value of a {name} is absent.");
    }

    public static T Cast<T>(object? value) => value switch
    {
        T typed => typed,
        null when default(T) is null => default!,
        _ => throw new SerializerException($"A {value?.GetType()} stands where a {typeof(T)} is expected."),
    };
}
