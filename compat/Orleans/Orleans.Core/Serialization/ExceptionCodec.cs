using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>An exception whose type this process does not have; its text is kept.</summary>
public sealed class UnavailableExceptionFallbackException(string message, string exceptionType) : OrleansException(message)
{
    /// <summary>The name of the type that was thrown.</summary>
    public string ExceptionType => exceptionType;
}

/// <summary>Exceptions: type, message, stack, code and inner exception. Members of derived types are not carried.</summary>
internal sealed class ExceptionCodec<T> : Codec<T>
    where T : Exception
{
    public override void Write(Writer writer, uint id, T value)
    {
        if (value is null)
        {
            writer.WriteHeader(id, WireType.Null);
            return;
        }

        writer.WriteHeader(id, WireType.Block);
        var block = writer.BeginBlock();
        var type = value.GetType();
        Codecs.Of<string>().Write(writer, 0, $"{type.FullName}, {type.Assembly.GetName().Name}");
        Codecs.Of<string>().Write(writer, 1, value.Message);
        Codecs.Of<string?>().Write(writer, 2, value.StackTrace);
        Codecs.Of<int>().Write(writer, 3, value.HResult);
        Codecs.Of<Exception?>().Write(writer, 4, value.InnerException);
        writer.EndBlock(block);
    }

    public override T Read(Reader reader, WireType type)
    {
        if (type == WireType.Null)
        {
            return null!;
        }

        Reader.Expect(WireType.Block, type);
        var outer = reader.BeginBlock();
        string name = "", message = "";
        string? stack = null;
        var code = 0;
        Exception? inner = null;
        while (reader.TryReadHeader(out var id, out var wireType))
        {
            switch (id)
            {
                case 0:
                    name = Codecs.Of<string>().Read(reader, wireType);
                    break;
                case 1:
                    message = Codecs.Of<string>().Read(reader, wireType);
                    break;
                case 2:
                    stack = Codecs.Of<string?>().Read(reader, wireType);
                    break;
                case 3:
                    code = Codecs.Of<int>().Read(reader, wireType);
                    break;
                case 4:
                    inner = Codecs.Of<Exception?>().Read(reader, wireType);
                    break;
                default:
                    reader.Skip(wireType);
                    break;
            }
        }

        reader.EndBlock(outer);
        var exception = Make(name, message);
        Message(exception) = message;
        Inner(exception) = inner;
        if (code != 0)
        {
            exception.HResult = code;
        }

        if (stack is not null)
        {
            ExceptionDispatchInfo.SetRemoteStackTrace(exception, stack);
        }

        return NamedValues.Cast<T>(exception);
    }

    /// <summary>Only exception types are ever made of a name that came in.</summary>
    private static Exception Make(string name, string message)
    {
        var type = Find(name);
        return type is { IsAbstract: false, ContainsGenericParameters: false } && type.IsAssignableTo(typeof(Exception))
            ? (Exception)RuntimeHelpers.GetUninitializedObject(type)
            : new UnavailableExceptionFallbackException(message, name);
    }

    private static Type? Find(string name)
    {
        var comma = name.IndexOf(", ", StringComparison.Ordinal);
        return comma < 0
            ? null
            : AppDomain.CurrentDomain.GetAssemblies().FirstOrDefault(a => a.GetName().Name == name[(comma + 2)..])?.GetType(name[..comma]);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_message")]
    private static extern ref string? Message(Exception exception);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_innerException")]
    private static extern ref Exception? Inner(Exception exception);
}
