using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Control;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Admin;

/// <summary>
/// The node as an operator's programs use it by <c>/admin/*</c>: routers of their own, whose producers no room knows of, and plain
/// transports, also in rooms. A room's producers belong to its participants, so a plain transport there only receives.
/// </summary>
internal sealed partial class AdminRouters(
    MediaNodeRuntime runtime, MediaNodeControl control, IOptions<MediaNodeOptions> options, ILogger<AdminRouters> logger)
{
    /// <summary>Routers of this kind and plain transports at a time.</summary>
    private const int MaxRouters = 1_000;
    private const int MaxTransports = 10_000;

    private readonly ConcurrentDictionary<string, OwnRouter> _routers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (WorkerThread Thread, PlainTransport Transport)> _transports = new(StringComparer.Ordinal);

    /// <summary>All routers of the node: rooms, and those that were made here.</summary>
    public async Task<AdminAnswer> ListAsync()
    {
        JsonArray routers = [];
        foreach (var name in control.RoomNames)
        {
            if (control.FindRoom(name) is { } room && await DescribeAsync(room).ConfigureAwait(false) is { } described)
            {
                routers.Add((JsonNode)described);
            }
        }

        foreach (var (id, own) in _routers)
        {
            if (await own.Thread.InvokeAsync((_, _) => Describe(id, isRoom: false, Contents(own.Router))).ConfigureAwait(false) is { } described)
            {
                routers.Add((JsonNode)described);
            }
        }

        return AdminAnswer.Ok(new JsonObject { ["routers"] = routers });
    }

    public async Task<AdminAnswer> GetAsync(string id)
    {
        var described = control.FindRoom(id) is { } room && !_routers.ContainsKey(id) ? await DescribeAsync(room).ConfigureAwait(false)
            : _routers.TryGetValue(id, out var own) ? await own.Thread.InvokeAsync((_, _) => Describe(id, isRoom: false, Contents(own.Router))).ConfigureAwait(false)
            : null;
        return described is null ? NoRouter(id) : AdminAnswer.Ok(described);
    }

    public async Task<AdminAnswer> CreateAsync(string? wished)
    {
        if (wished is not null && !IsId(wished))
        {
            return AdminAnswer.Refuse(400, "id must be 1 to 64 letters, digits, '-', '_' or '.'.");
        }

        if (_routers.Count >= MaxRouters)
        {
            return AdminAnswer.Refuse(503, $"There are {MaxRouters} routers already.");
        }

        var id = wished ?? Guid.NewGuid().ToString();
        var thread = control.LeastLoaded();
        if (control.FindRoom(id) is not null)
        {
            return AdminAnswer.Refuse(409, $"There is a room {id}.");
        }

        // The worker's own name for it cannot be that of a room, which has no slash here.
        var created = await thread.InvokeAsync((worker, now) =>
        {
            var opened = worker.CreateRouter($"admin/{id}", Unheard.Instance, now);
            return opened.IsOk && !_routers.TryAdd(id, new OwnRouter(thread, opened.Value)) ? Undo(worker, opened.Value, now) : opened;
        }).ConfigureAwait(false);
        if (!created.IsOk)
        {
            return AdminAnswer.Refuse(409, $"There is a router {id}.");
        }

        LogCreated(logger, id);
        return AdminAnswer.Created(new JsonObject { ["id"] = id, ["rtpCapabilities"] = Json(Router.RtpCapabilities.ToJson()) });

        static MediaResult<Router> Undo(MediaWorker worker, Router router, long now)
        {
            worker.CloseRouter(router, now);
            return MediaResult<Router>.Refuse(MediaFault.Conflict, "");
        }
    }

    public async Task<AdminAnswer> DeleteAsync(string id)
    {
        if (!_routers.TryRemove(id, out var own))
        {
            return control.FindRoom(id) is not null ? AdminAnswer.Refuse(409, "A room is closed by its participants' leaving.") : NoRouter(id);
        }

        await own.Thread.InvokeAsync((worker, now) =>
        {
            foreach (var transport in own.Router.Transports.Keys)
            {
                _transports.TryRemove(transport, out _);
            }

            worker.CloseRouter(own.Router, now);
            return true;
        }).ConfigureAwait(false);
        return AdminAnswer.Done;
    }

    public async Task<AdminAnswer> CreateTransportAsync(string routerId, PlainListen listen, PlainTransportOptions plain)
    {
        var (thread, find) = Find(routerId);
        if (thread is null)
        {
            return NoRouter(routerId);
        }

        ForgetClosed();
        if (_transports.Count >= MaxTransports)
        {
            return AdminAnswer.Refuse(503, $"There are {MaxTransports} plain transports already.");
        }

        return await thread.InvokeAsync((worker, now) => find!() is { } router ? Open(thread, worker, router, listen, plain, now) : NoRouter(routerId)).ConfigureAwait(false);
    }

    public Task<AdminAnswer> GetTransportAsync(string id) => OnTransportAsync(id, static (transport, _, _) => AdminAnswer.Ok(PlainJson.Describe(transport)));

    public Task<AdminAnswer> ConnectAsync(string id, PlainConnectOptions connect) => OnTransportAsync(id, (transport, worker, now) =>
    {
        if (transport.Connect(connect, now) is { } refused)
        {
            return AdminAnswer.Refuse(409, refused);
        }

        worker.RunSoon(transport, now);
        return AdminAnswer.Ok(PlainJson.Describe(transport));
    });

    public Task<AdminAnswer> CloseAsync(string id) => OnTransportAsync(id, (transport, _, now) =>
    {
        _transports.TryRemove(id, out var _);
        transport.Close(now);
        return AdminAnswer.Done;
    });

    public Task<AdminAnswer> ProduceAsync(string id, string? producerId, MediaKind kind, RtpParameters parameters, bool paused) => OnTransportAsync(id, (transport, worker, now) =>
    {
        if (!transport.Router.Id.StartsWith("admin/", StringComparison.Ordinal))
        {
            return AdminAnswer.Refuse(409, "A room's producers are its participants': make a router for others.");
        }

        var produced = transport.Produce(producerId ?? Guid.NewGuid().ToString(), kind, parameters, paused, now);
        worker.RunSoon(transport, now);
        return produced.IsOk ? AdminAnswer.Created(PlainJson.Describe(produced.Value)) : AdminAnswer.Refuse(produced.Fault, produced.Error);
    });

    public Task<AdminAnswer> ConsumeAsync(string id, string producerId, RtpCapabilities capabilities, bool paused)
    {
        return _transports.TryGetValue(id, out var found) && control.FindRoom(found.Transport.Router.Id)?.Spread is { } spread
            ? spread.WithProducerAtHomeAsync(producerId, ConsumeAsync)
            : ConsumeAsync();

        Task<AdminAnswer> ConsumeAsync() => OnTransportAsync(id, (transport, worker, now) =>
        {
            var consumed = transport.Consume(Guid.NewGuid().ToString(), producerId, capabilities, paused, now);
            worker.RunSoon(transport, now);
            return consumed.IsOk ? AdminAnswer.Created(PlainJson.Describe(consumed.Value)) : AdminAnswer.Refuse(consumed.Fault, consumed.Error);
        });
    }

    public Task<AdminAnswer> SetPausedAsync(string id, string mediaId, bool isProducer, bool paused) => OnMediaAsync(
        id,
        mediaId,
        isProducer,
        (producer, now) =>
        {
            if (paused)
            {
                producer.Pause(now);
            }
            else
            {
                producer.Resume(now);
            }
        },
        (consumer, now) =>
        {
            if (paused)
            {
                consumer.Pause(now);
            }
            else
            {
                consumer.Resume(now);
            }
        });

    public Task<AdminAnswer> CloseMediaAsync(string id, string mediaId, bool isProducer) =>
        OnMediaAsync(id, mediaId, isProducer, static (producer, now) => producer.Close(now), static (consumer, now) => consumer.Close(now));

    /// <summary>The session description with which FFmpeg or GStreamer receives what the transport sends; null when there is no such transport.</summary>
    public async Task<(string? Sdp, AdminAnswer Refused)> DescribeSdpAsync(string id)
    {
        string? sdp = null;
        var answer = await OnTransportAsync(id, (transport, _, _) =>
        {
            sdp = PlainSdp.Write(transport);
            return sdp is null ? AdminAnswer.Refuse(409, "The transport has no consumer, or is not connected to an address.") : AdminAnswer.Done;
        }).ConfigureAwait(false);
        return (sdp, answer);
    }

    private static AdminAnswer NoRouter(string id) => AdminAnswer.Refuse(404, $"There is no router {id}.");

    private static JsonNode Json(string json) => JsonNode.Parse(json)!;

    private static bool IsId(string id) => id.Length is >= 1 and <= 64 && id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    // A room may be on several workers; each producer is told by the one where its client is.
    private static async Task<JsonObject?> DescribeAsync(ControlledRoom room)
    {
        List<RouterContents?> contents = [];
        foreach (var part in (room.Spread?.Parts ?? [room]).Where(p => p == room || p.Thread.IsAlive))
        {
            contents.Add(await part.Thread.InvokeAsync((_, _) => Contents(part.Router)).ConfigureAwait(false));
        }

        return contents[0] is null ? null : Describe(room.Name, isRoom: true, [.. contents]);
    }

    private static RouterContents? Contents(Router? router) => router is null or { IsClosed: true } ? null : new RouterContents(
        [.. router.Producers.Values.Where(p => p.Transport is not WorkerPipe).Select(PlainJson.Describe)],
        [.. router.Transports.Values.OfType<PlainTransport>().Select(t => (JsonNode)t.Id)]);

    private static JsonObject? Describe(string id, bool isRoom, params RouterContents?[] contents) => Array.TrueForAll(contents, c => c is null) ? null : new JsonObject
    {
        ["id"] = id,
        ["room"] = isRoom,
        ["producers"] = new JsonArray([.. contents.SelectMany(c => c?.Producers ?? [])]),
        ["plainTransports"] = new JsonArray([.. contents.SelectMany(c => c?.PlainTransports ?? [])]),
    };

    private (WorkerThread? Thread, Func<Router?>? Router) Find(string id) =>
        _routers.TryGetValue(id, out var own) ? (own.Thread, () => own.Router.IsClosed ? null : own.Router)
        : control.FindRoom(id) is { } room ? (room.Thread, () => room.Router)
        : (null, null);

    private AdminAnswer Open(WorkerThread thread, MediaWorker worker, Router router, PlainListen listen, PlainTransportOptions plain, long now)
    {
        List<PlainPort> ports = [];
        try
        {
            ports.Add(OpenPort(thread.PlainPorts, listen with { }, isRtcp: false));
            if (!plain.RtcpMux)
            {
                ports.Add(OpenPort(thread.PlainPorts, listen with { Port = 0 }, isRtcp: true));
            }
        }
        catch (SocketException e)
        {
            ports.ForEach(static p => p.Close());
            return AdminAnswer.Refuse(409, $"The transport got no port: {e.Message}.");
        }

        var created = worker.CreatePlainTransport(router, Guid.NewGuid().ToString(), plain, ports[0], ports.Count > 1 ? ports[1] : null, now);
        if (!created.IsOk)
        {
            ports.ForEach(static p => p.Close());
            return AdminAnswer.Refuse(created.Fault, created.Error);
        }

        ports.ForEach(p => p.Transport = created.Value);
        _transports[created.Value.Id] = (thread, created.Value);
        return AdminAnswer.Created(PlainJson.Describe(created.Value));
    }

    private PlainPort OpenPort(PlainPorts ports, PlainListen listen, bool isRtcp)
    {
        var settings = options.Value;
        var ip = listen.Ip ?? IPAddress.Parse(settings.Ip);
        var announced = listen.Announced ?? (listen.Ip is null ? runtime.Announced : null);
        if (listen.Port != 0)
        {
            return ports.Open(new IPEndPoint(ip, listen.Port), announced, settings.SocketBufferBytes, isRtcp);
        }

        settings.TryGetPlainPorts(out var first, out var last);
        for (int port = first; ; port++)
        {
            try
            {
                return ports.Open(new IPEndPoint(ip, port), announced, settings.SocketBufferBytes, isRtcp);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse && port < last)
            {
                // The next one.
                continue;
            }
        }
    }

    private async Task<AdminAnswer> OnTransportAsync(string id, Func<PlainTransport, MediaWorker, long, AdminAnswer> action)
    {
        if (!_transports.TryGetValue(id, out var found))
        {
            return NoTransport();
        }

        return await found.Thread.InvokeAsync((worker, now) =>
        {
            if (!found.Transport.IsClosed)
            {
                return action(found.Transport, worker, now);
            }

            _transports.TryRemove(id, out _);
            return NoTransport();
        }).ConfigureAwait(false);

        AdminAnswer NoTransport() => AdminAnswer.Refuse(404, $"There is no plain transport {id}.");
    }

    private Task<AdminAnswer> OnMediaAsync(string id, string mediaId, bool isProducer, Action<Producer, long> onProducer, Action<Consumer, long> onConsumer) =>
        OnTransportAsync(id, (transport, worker, now) =>
        {
            if (isProducer && transport.Producers.FirstOrDefault(p => p.Id == mediaId) is { } producer)
            {
                onProducer(producer, now);
            }
            else if (!isProducer && transport.Consumers.FirstOrDefault(c => c.Id == mediaId) is { } consumer)
            {
                onConsumer(consumer, now);
            }
            else
            {
                return AdminAnswer.Refuse(404, $"The transport has no {(isProducer ? "producer" : "consumer")} {mediaId}.");
            }

            worker.RunSoon(transport, now);
            return AdminAnswer.Done;
        });

    /// <summary>Transports of rooms that have ended.</summary>
    private void ForgetClosed()
    {
        foreach (var (id, entry) in _transports)
        {
            if (entry.Transport.IsClosed)
            {
                _transports.TryRemove(id, out _);
            }
        }
    }

    [LoggerMessage(2080, LogLevel.Information, "Router {Id} was opened by /admin")]
    private static partial void LogCreated(ILogger logger, string id);

    private sealed record RouterContents(JsonNode[] Producers, JsonNode[] PlainTransports);

    private sealed record OwnRouter(WorkerThread Thread, Router Router);

    /// <summary>Nobody hears who speaks in a router without participants.</summary>
    private sealed class Unheard : IRouterListener
    {
        public static readonly Unheard Instance = new();

        public void OnActiveSpeakers(Router router, ReadOnlySpan<Media.Audio.ActiveSpeaker> speakers)
        {
        }

        public void OnProducerClosed(Router router, Producer producer)
        {
        }

        public void OnConsumerClosed(Router router, Consumer consumer)
        {
        }
    }
}
