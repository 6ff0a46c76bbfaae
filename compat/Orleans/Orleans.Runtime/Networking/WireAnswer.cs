using Orleans.Serialization;

namespace Orleans.Runtime.Networking;

/// <summary>Answers as frames: a value, or an exception.</summary>
internal static class WireAnswer
{
    private const uint Value = 0;
    private const uint Failure = 1;

    public static void Send<TResult>(ClusterConnection connection, ulong id, TResult value)
    {
        var writer = FrameHeader.Begin();
        try
        {
            if (typeof(TResult) != typeof(VoidResult))
            {
                Codecs.Of<TResult>().Write(writer, Value, value);
            }
        }
        catch (OrleansException e)
        {
            // What the grain answered has no form on the wire: the caller is told so.
            writer.Return();
            SendFailure(connection, id, e);
            return;
        }

        Send(connection, id, writer);
    }

    public static void SendFailure(ClusterConnection connection, ulong id, Exception exception)
    {
        var writer = FrameHeader.Begin();
        Codecs.Of<Exception>().Write(writer, Failure, exception);
        Send(connection, id, writer);
    }

    /// <summary>An answer that came from elsewhere, unchanged.</summary>
    public static void PassOn(ClusterConnection connection, ulong id, ReadOnlySpan<byte> payload)
    {
        var writer = FrameHeader.Begin();
        payload.CopyTo(writer.Reserve(payload.Length));
        new FrameHeader(FrameKind.Answer, id, 0, 0).End(writer);
        connection.Send(writer);
    }

    public static TResult Read<TResult>(Reader reader, out Exception? exception)
    {
        TResult value = default!;
        exception = null;
        while (reader.TryReadHeader(out var id, out var type))
        {
            switch (id)
            {
                case Value when typeof(TResult) != typeof(VoidResult):
                    value = Codecs.Of<TResult>().Read(reader, type);
                    break;
                case Failure:
                    exception = Codecs.Of<Exception>().Read(reader, type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        return value;
    }

    private static void Send(ClusterConnection connection, ulong id, Writer writer)
    {
        writer.WriteEnd();
        new FrameHeader(FrameKind.Answer, id, 0, 0).End(writer);
        connection.Send(writer);
    }
}
