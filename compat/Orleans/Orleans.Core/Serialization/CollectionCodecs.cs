using System.Collections.Immutable;

namespace Orleans.Serialization;

/// <summary>Elements in a block behind their count.</summary>
internal abstract class ElementsCodec<TCollection, T> : Codec<TCollection>
{
    public sealed override void Write(Writer writer, uint id, TCollection value)
    {
        if (IsNull(value))
        {
            writer.WriteHeader(id, WireType.Null);
            return;
        }

        writer.WriteHeader(id, WireType.Block);
        var block = writer.BeginBlock();
        var elements = Elements(value);
        writer.WriteVarInt((ulong)elements.Count);
        var codec = Codecs.Of<T>();
        foreach (var element in elements)
        {
            codec.Write(writer, 0, element);
        }

        writer.EndBlock(block);
    }

    public sealed override TCollection Read(Reader reader, WireType type)
    {
        if (type == WireType.Null)
        {
            return default!;
        }

        Reader.Expect(WireType.Block, type);
        var outer = reader.BeginBlock();
        var elements = new T[reader.ReadCount()];
        var codec = Codecs.Of<T>();
        for (var i = 0; i < elements.Length; i++)
        {
            elements[i] = reader.TryReadHeader(out _, out var wireType)
                ? codec.Read(reader, wireType)
                : throw new SerializerException("A collection ends early.");
        }

        reader.EndBlock(outer);
        try
        {
            return Make(elements);
        }
        catch (ArgumentException e)
        {
            // A key that is there twice, or null.
            throw new SerializerException(e.Message);
        }
    }

    protected virtual bool IsNull(TCollection value) => value is null;

    protected abstract IReadOnlyCollection<T> Elements(TCollection value);

    protected abstract TCollection Make(T[] elements);
}

internal sealed class ArrayCodec<T> : ElementsCodec<T[], T>
{
    protected override IReadOnlyCollection<T> Elements(T[] value) => value;

    protected override T[] Make(T[] elements) => elements;
}

internal sealed class ListCodec<T> : ElementsCodec<List<T>, T>
{
    protected override IReadOnlyCollection<T> Elements(List<T> value) => value;

    protected override List<T> Make(T[] elements) => [.. elements];
}

internal sealed class HashSetCodec<T> : ElementsCodec<HashSet<T>, T>
{
    protected override IReadOnlyCollection<T> Elements(HashSet<T> value) => value;

    protected override HashSet<T> Make(T[] elements) => [.. elements];
}

internal sealed class ImmutableArrayCodec<T> : ElementsCodec<ImmutableArray<T>, T>
{
    protected override bool IsNull(ImmutableArray<T> value) => value.IsDefault;

    protected override IReadOnlyCollection<T> Elements(ImmutableArray<T> value) => value;

    protected override ImmutableArray<T> Make(T[] elements) => [.. elements];
}

internal sealed class ImmutableListCodec<T> : ElementsCodec<ImmutableList<T>, T>
{
    protected override IReadOnlyCollection<T> Elements(ImmutableList<T> value) => value;

    protected override ImmutableList<T> Make(T[] elements) => [.. elements];
}

internal sealed class DictionaryCodec<TKey, TValue> : ElementsCodec<Dictionary<TKey, TValue>, KeyValuePair<TKey, TValue>>
    where TKey : notnull
{
    protected override IReadOnlyCollection<KeyValuePair<TKey, TValue>> Elements(Dictionary<TKey, TValue> value) => value;

    protected override Dictionary<TKey, TValue> Make(KeyValuePair<TKey, TValue>[] elements) => new(elements);
}

internal sealed class ImmutableDictionaryCodec<TKey, TValue> : ElementsCodec<ImmutableDictionary<TKey, TValue>, KeyValuePair<TKey, TValue>>
    where TKey : notnull
{
    protected override IReadOnlyCollection<KeyValuePair<TKey, TValue>> Elements(ImmutableDictionary<TKey, TValue> value) => value;

    protected override ImmutableDictionary<TKey, TValue> Make(KeyValuePair<TKey, TValue>[] elements) => elements.ToImmutableDictionary();
}

internal sealed class NullableCodec<T> : Codec<T?>
    where T : struct
{
    public override void Write(Writer writer, uint id, T? value)
    {
        if (value is { } present)
        {
            Codecs.Of<T>().Write(writer, id, present);
        }
        else
        {
            writer.WriteHeader(id, WireType.Null);
        }
    }

    public override T? Read(Reader reader, WireType type) => type == WireType.Null ? null : Codecs.Of<T>().Read(reader, type);
}

internal sealed class KeyValuePairCodec<TKey, TValue> : ObjectCodec<KeyValuePair<TKey, TValue>>
{
    public override void WriteFields(Writer writer, ref KeyValuePair<TKey, TValue> value)
    {
        Codecs.Of<TKey>().Write(writer, 0, value.Key);
        Codecs.Of<TValue>().Write(writer, 1, value.Value);
        writer.WriteEnd();
    }

    public override void ReadFields(Reader reader, ref KeyValuePair<TKey, TValue> value)
    {
        var (key, item) = (value.Key, value.Value);
        while (reader.TryReadHeader(out var id, out var type))
        {
            switch (id)
            {
                case 0:
                    key = Codecs.Of<TKey>().Read(reader, type);
                    break;
                case 1:
                    item = Codecs.Of<TValue>().Read(reader, type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        value = new KeyValuePair<TKey, TValue>(key, item);
    }
}

internal sealed class PairCodec<T1, T2> : ObjectCodec<(T1, T2)>
{
    public override void WriteFields(Writer writer, ref (T1, T2) value)
    {
        Codecs.Of<T1>().Write(writer, 0, value.Item1);
        Codecs.Of<T2>().Write(writer, 1, value.Item2);
        writer.WriteEnd();
    }

    public override void ReadFields(Reader reader, ref (T1, T2) value)
    {
        while (reader.TryReadHeader(out var id, out var type))
        {
            switch (id)
            {
                case 0:
                    value.Item1 = Codecs.Of<T1>().Read(reader, type);
                    break;
                case 1:
                    value.Item2 = Codecs.Of<T2>().Read(reader, type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
    }
}

internal sealed class TripleCodec<T1, T2, T3> : ObjectCodec<(T1, T2, T3)>
{
    public override void WriteFields(Writer writer, ref (T1, T2, T3) value)
    {
        Codecs.Of<T1>().Write(writer, 0, value.Item1);
        Codecs.Of<T2>().Write(writer, 1, value.Item2);
        Codecs.Of<T3>().Write(writer, 2, value.Item3);
        writer.WriteEnd();
    }

    public override void ReadFields(Reader reader, ref (T1, T2, T3) value)
    {
        while (reader.TryReadHeader(out var id, out var type))
        {
            switch (id)
            {
                case 0:
                    value.Item1 = Codecs.Of<T1>().Read(reader, type);
                    break;
                case 1:
                    value.Item2 = Codecs.Of<T2>().Read(reader, type);
                    break;
                case 2:
                    value.Item3 = Codecs.Of<T3>().Read(reader, type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
    }
}
