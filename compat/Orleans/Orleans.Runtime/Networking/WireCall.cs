using Orleans.Serialization;

namespace Orleans.Runtime.Networking;

/// <summary>Calls as frames. Fields of unknown ids are passed over, so that two builds can speak with each other.</summary>
internal static class WireCall
{
    private const uint TargetType = 0;
    private const uint TargetKey = 1;
    private const uint Method = 2;
    private const uint Source = 3;
    private const uint Chain = 4;
    private const uint Values = 5;
    private const uint ViewVersion = 6;

    private static readonly NameCache<string> Types = new(static name => name);
    private static readonly NameCache<MethodName> Methods = new(static name => new MethodName(name, GrainManifest.Instance.FindMethod(name)));
    private static readonly Factory Calls = new();

    /// <summary>Writes a frame but for the call's number. The writer is the caller's to return.</summary>
    public static Writer Write(GrainCall call, long viewVersion)
    {
        var writer = FrameHeader.Begin();
        try
        {
            writer.WriteHeader(TargetType, WireType.Bytes);
            writer.WriteString(call.Target.Type.Value);
            writer.WriteHeader(TargetKey, WireType.Bytes);
            writer.WriteString(call.Target.Key.Value);
            writer.WriteHeader(Method, WireType.Bytes);
            writer.WriteString(call.Request.WireName);
            if (call.Source is { } source)
            {
                writer.WriteHeader(Source, WireType.Bytes);
                writer.WriteStrings(source.Type.Value, '/', source.Key.Value);
            }

            if (call.Chain != Guid.Empty)
            {
                Codecs.Of<Guid>().Write(writer, Chain, call.Chain);
            }

            if (call.Values is { Count: > 0 } values)
            {
                Codecs.Of<Dictionary<string, object>>().Write(writer, Values, values);
            }

            if (viewVersion != 0)
            {
                Codecs.Of<long>().Write(writer, ViewVersion, viewVersion);
            }

            writer.WriteEnd();
            call.Request.WriteArguments(writer);
            new FrameHeader(call.IsOneWay ? FrameKind.OneWayCall : FrameKind.Call, 0, call.Hops + (call is IReceivedCall ? 1 : 0), Left(call)).End(writer);
            return writer;
        }
        catch
        {
            writer.Return();
            throw;
        }
    }

    /// <summary>Reads a frame; throws <see cref="OrleansException"/> when it cannot be understood.</summary>
    public static GrainCall Read(CallRuntime runtime, ClusterConnection connection, in FrameHeader frame, Reader reader)
    {
        string type = "", key = "";
        MethodName? method = null;
        GrainId? source = null;
        var chain = Guid.Empty;
        Dictionary<string, object>? values = null;
        long viewVersion = 0;
        while (reader.TryReadHeader(out var id, out var wireType))
        {
            switch (id)
            {
                case TargetType:
                    Reader.Expect(WireType.Bytes, wireType);
                    type = Types.Get(reader.ReadBytes());
                    break;
                case TargetKey:
                    Reader.Expect(WireType.Bytes, wireType);
                    key = reader.ReadString();
                    break;
                case Method:
                    Reader.Expect(WireType.Bytes, wireType);
                    method = Methods.Get(reader.ReadBytes());
                    break;
                case Source:
                    source = ReadId(reader, wireType);
                    break;
                case Chain:
                    chain = Codecs.Of<Guid>().Read(reader, wireType);
                    break;
                case Values:
                    values = Codecs.Of<Dictionary<string, object>>().Read(reader, wireType);
                    break;
                case ViewVersion:
                    viewVersion = Codecs.Of<long>().Read(reader, wireType);
                    break;
                default:
                    reader.Skip(wireType);
                    break;
            }
        }

        var request = method?.Create()
            ?? throw new OrleansMessageRejectionException($"This process does not know the method {method?.Name}.");
        request.ReadArguments(reader);
        var header = new ReceivedHeader(connection, frame.Id, frame.Hops, source, chain, values, viewVersion);
        var call = request.Accept(Calls, (runtime, GrainId.Create(type, key), header));
        if (frame.TimeToLive != 0)
        {
            call.ExpiresAt = runtime.Pending.Now + frame.TimeToLive;
        }

        return call;
    }

    private static GrainId? ReadId(Reader reader, WireType wireType)
    {
        if (wireType == WireType.Null)
        {
            return null;
        }

        Reader.Expect(WireType.Bytes, wireType);
        var bytes = reader.ReadBytes();
        var slash = bytes.IndexOf((byte)'/');
        return slash > 0
            ? GrainId.Create(Types.Get(bytes[..slash]), System.Text.Encoding.UTF8.GetString(bytes[(slash + 1)..]))
            : throw new SerializerException("The calling grain's id is malformed.");
    }

    private static uint Left(GrainCall call)
    {
        if (call.ExpiresAt == 0)
        {
            return 0;
        }

        return (uint)Math.Clamp(call.ExpiresAt - call.Runtime.Pending.Now, 1, uint.MaxValue);
    }

    /// <summary>A method's name on the wire and how its request is made. An assembly that is loaded later may bring it.</summary>
    private sealed class MethodName(string name, Func<GrainRequest>? create)
    {
        private Func<GrainRequest>? _create = create;

        public string Name => name;

        public GrainRequest? Create() => (_create ??= GrainManifest.Instance.FindMethod(name))?.Invoke();
    }

    private sealed class Factory : IRequestVisitor<GrainCall, (CallRuntime Runtime, GrainId Target, ReceivedHeader Header)>
    {
        public GrainCall Visit<TResult>(GrainRequest<TResult> request, (CallRuntime Runtime, GrainId Target, ReceivedHeader Header) argument) =>
            new ReceivedCall<TResult>(argument.Runtime, argument.Target, request, argument.Header);
    }
}

/// <summary>A call that came over a connection.</summary>
internal interface IReceivedCall
{
    /// <summary>Where it came from.</summary>
    ClusterConnection Connection { get; }

    /// <summary>The caller waits no more.</summary>
    void Cancel();
}
