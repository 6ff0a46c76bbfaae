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

    private static readonly NameCache Names = new();
    private static readonly Factory Calls = new();

    /// <summary>Writes a frame. The writer is the caller's to return.</summary>
    public static Writer Write(GrainCall call, ulong id, long viewVersion)
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
                Codecs.Of<GrainId>().Write(writer, Source, source);
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
            new FrameHeader(id == 0 ? FrameKind.OneWayCall : FrameKind.Call, id, call.Hops + (call is IReceivedCall ? 1 : 0), Left(call)).End(writer);
            return writer;
        }
        catch
        {
            writer.Return();
            throw;
        }
    }

    /// <summary>Reads a frame; throws <see cref="OrleansException"/> when it cannot be understood.</summary>
    public static GrainCall Read(CallRuntime runtime, ClusterConnection connection, in FrameHeader frame, ReadOnlyMemory<byte> payload)
    {
        var reader = new Reader(payload, runtime.Caller);
        string type = "", key = "", method = "";
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
                    type = reader.ReadName(Names);
                    break;
                case TargetKey:
                    Reader.Expect(WireType.Bytes, wireType);
                    key = reader.ReadString();
                    break;
                case Method:
                    Reader.Expect(WireType.Bytes, wireType);
                    method = reader.ReadName(Names);
                    break;
                case Source:
                    source = Codecs.Of<GrainId>().Read(reader, wireType);
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

        var request = GrainManifest.Instance.CreateRequest(method)
            ?? throw new OrleansMessageRejectionException($"This process does not know the method {method}.");
        request.ReadArguments(reader);
        var header = new ReceivedHeader(connection, frame.Id, frame.Hops, source, chain, values, viewVersion);
        var call = request.Accept(Calls, (runtime, GrainId.Create(type, key), header));
        if (frame.TimeToLive != 0)
        {
            call.ExpiresAt = runtime.Time.GetTimestamp() + (frame.TimeToLive * runtime.Time.TimestampFrequency / 1_000);
        }

        return call;
    }

    private static uint Left(GrainCall call)
    {
        if (call.ExpiresAt == 0)
        {
            return 0;
        }

        var left = (call.ExpiresAt - call.Runtime.Time.GetTimestamp()) * 1_000 / call.Runtime.Time.TimestampFrequency;
        return (uint)Math.Clamp(left, 1, uint.MaxValue);
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

    /// <summary>The membership version of its sender; 0 for a client that has none.</summary>
    long ViewVersion { get; }

    /// <summary>The caller waits no more.</summary>
    void Cancel();
}
