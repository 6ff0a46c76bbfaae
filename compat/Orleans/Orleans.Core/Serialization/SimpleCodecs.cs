using System.Globalization;
using System.Net;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>Types with one form and no parts.</summary>
internal static class SimpleCodecs
{
    public static Dictionary<Type, Codec> All { get; } = new()
    {
        [typeof(bool)] = Number<bool>(static (w, v) => w.WriteVarInt(v ? 1u : 0), static r => r.ReadVarInt() != 0),
        [typeof(byte)] = Number<byte>(static (w, v) => w.WriteVarInt(v), static r => checked((byte)r.ReadVarInt())),
        [typeof(sbyte)] = Number<sbyte>(static (w, v) => w.WriteSigned(v), static r => checked((sbyte)r.ReadSigned())),
        [typeof(short)] = Number<short>(static (w, v) => w.WriteSigned(v), static r => checked((short)r.ReadSigned())),
        [typeof(ushort)] = Number<ushort>(static (w, v) => w.WriteVarInt(v), static r => checked((ushort)r.ReadVarInt())),
        [typeof(char)] = Number<char>(static (w, v) => w.WriteVarInt(v), static r => checked((char)r.ReadVarInt())),
        [typeof(int)] = Number<int>(static (w, v) => w.WriteSigned(v), static r => checked((int)r.ReadSigned())),
        [typeof(uint)] = Number<uint>(static (w, v) => w.WriteVarInt(v), static r => checked((uint)r.ReadVarInt())),
        [typeof(long)] = Number<long>(static (w, v) => w.WriteSigned(v), static r => r.ReadSigned()),
        [typeof(ulong)] = Number<ulong>(static (w, v) => w.WriteVarInt(v), static r => r.ReadVarInt()),
        [typeof(float)] = Fixed<float>(static v => BitConverter.DoubleToUInt64Bits(v), static v => (float)BitConverter.UInt64BitsToDouble(v)),
        [typeof(double)] = Fixed<double>(BitConverter.DoubleToUInt64Bits, BitConverter.UInt64BitsToDouble),
        [typeof(DateTime)] = Fixed<DateTime>(static v => (ulong)v.ToBinary(), static v => DateTime.FromBinary((long)v)),
        [typeof(TimeSpan)] = Number<TimeSpan>(static (w, v) => w.WriteSigned(v.Ticks), static r => new TimeSpan(r.ReadSigned())),
        [typeof(DateOnly)] = Number<DateOnly>(static (w, v) => w.WriteSigned(v.DayNumber), static r => DateOnly.FromDayNumber(checked((int)r.ReadSigned()))),
        [typeof(TimeOnly)] = Number<TimeOnly>(static (w, v) => w.WriteSigned(v.Ticks), static r => new TimeOnly(r.ReadSigned())),
        [typeof(decimal)] = Text(static v => v.ToString(CultureInfo.InvariantCulture), static t => decimal.Parse(t, CultureInfo.InvariantCulture)),
        [typeof(DateTimeOffset)] = Text(static v => v.ToString("O", CultureInfo.InvariantCulture), static t => DateTimeOffset.ParseExact(t, "O", CultureInfo.InvariantCulture)),
        [typeof(Guid)] = Raw(static v => v.ToByteArray(), static b => new Guid(b)),
        [typeof(string)] = Text(static v => v, static t => t),
        [typeof(byte[])] = Raw(static v => v, static b => b.ToArray()),
        [typeof(Uri)] = Text(static v => v.OriginalString, static t => new Uri(t, UriKind.RelativeOrAbsolute)),
        [typeof(Version)] = Text(static v => v.ToString(), Version.Parse),
        [typeof(IPAddress)] = Raw(static v => v.GetAddressBytes(), static b => new IPAddress(b)),
        [typeof(GrainId)] = Text(static v => v.IsDefault ? "" : v.ToString(), static t => t.Length == 0 ? default : GrainId.Parse(t)),
        [typeof(GrainType)] = Text(static v => v.Value ?? "", static t => new GrainType(t)),
        [typeof(IdSpan)] = Text(static v => v.Value ?? "", static t => new IdSpan(t)),
        [typeof(SiloAddress)] = Text(static v => v.ToParsableString(), SiloAddress.FromParsableString),
        [typeof(Exception)] = new ExceptionCodec<Exception>(),
        [typeof(GrainReference)] = new ReferenceCodec<GrainReference>(),
    };

    private delegate T ReadRaw<T>(ReadOnlySpan<byte> bytes);

    private static Simple<T> Number<T>(Action<Writer, T> write, Func<Reader, T> read) => new(WireType.VarInt, write, read);

    private static Simple<T> Fixed<T>(Func<T, ulong> write, Func<ulong, T> read) =>
        new(WireType.Fixed64, (w, v) => w.WriteFixed64(write(v)), r => read(r.ReadFixed64()));

    private static Simple<T> Text<T>(Func<T, string> write, Func<string, T> read) =>
        new(WireType.Bytes, (w, v) => w.WriteString(write(v)), r => read(r.ReadString()));

    private static Simple<T> Raw<T>(Func<T, byte[]> write, ReadRaw<T> read) =>
        new(WireType.Bytes, (w, v) => w.WriteBytes(write(v)), r => read(r.ReadBytes()));

    private sealed class Simple<T>(WireType wireType, Action<Writer, T> write, Func<Reader, T> read) : Codec<T>
    {
        public override void Write(Writer writer, uint id, T value)
        {
            writer.WriteHeader(id, value is null ? WireType.Null : wireType);
            if (value is not null)
            {
                write(writer, value);
            }
        }

        public override T Read(Reader reader, WireType type)
        {
            if (type == WireType.Null)
            {
                return default!;
            }

            Reader.Expect(wireType, type);
            try
            {
                return read(reader);
            }
            catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
            {
                throw new SerializerException($"A {typeof(T)} is malformed: {e.Message}");
            }
        }
    }
}

/// <summary>Enums, as numbers: members that this version lacks keep their number.</summary>
internal sealed class EnumCodec<T> : Codec<T>
    where T : struct, Enum
{
    public override void Write(Writer writer, uint id, T value)
    {
        writer.WriteHeader(id, WireType.VarInt);
        writer.WriteSigned(Convert.ToInt64(value, CultureInfo.InvariantCulture));
    }

    public override T Read(Reader reader, WireType type)
    {
        if (type == WireType.Null)
        {
            return default;
        }

        Reader.Expect(WireType.VarInt, type);
        return (T)Enum.ToObject(typeof(T), reader.ReadSigned());
    }
}

/// <summary>References to grains and observers: the id.</summary>
internal sealed class ReferenceCodec<T> : Codec<T>
{
    public override void Write(Writer writer, uint id, T value)
    {
        if (value is null)
        {
            writer.WriteHeader(id, WireType.Null);
            return;
        }

        var reference = value as GrainReference ?? ((IAddressable)value).AsReference<IAddressable>() as GrainReference
            ?? throw new SerializerException($"{value.GetType()} is no reference.");
        writer.WriteHeader(id, WireType.Bytes);
        writer.WriteString(reference.GrainId.ToString());
    }

    public override T Read(Reader reader, WireType type)
    {
        if (type == WireType.Null)
        {
            return default!;
        }

        Reader.Expect(WireType.Bytes, type);
        var caller = reader.References ?? throw new SerializerException("References can be read inside a silo or client only.");
        try
        {
            return NamedValues.Cast<T>(caller.CreateReference(typeof(T), GrainId.Parse(reader.ReadString())));
        }
        catch (FormatException e)
        {
            throw new SerializerException(e.Message);
        }
    }
}

/// <summary>Interfaces, abstract classes without a codec, and object: the runtime type's name and the value.</summary>
internal sealed class AnyCodec<T> : Codec<T>
{
    public override void Write(Writer writer, uint id, T value)
    {
        if (value is null)
        {
            writer.WriteHeader(id, WireType.Null);
        }
        else
        {
            NamedValues.Write(writer, id, value);
        }
    }

    public override T Read(Reader reader, WireType type) => NamedValues.Cast<T>(NamedValues.Read(reader, type));
}
