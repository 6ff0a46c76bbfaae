using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Control;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Admin;

/// <summary>
/// The node as an operator's programs use it by <c>/admin/*</c>: routers of their own, whose producers no room knows of, and plain
/// transports, also in rooms. A room's producers belong to its participants: a plain transport there receives, or is that of a participant.
/// </summary>
internal sealed partial class AdminRouters(
    MediaNodeControl control, PlainTransports transports, PlainParticipants participants, ILogger<AdminRouters> logger)
{
    /// <summary>Routers of this kind at a time.</summary>
    private const int MaxRouters = 1_000;

    private readonly ConcurrentDictionary<string, OwnRouter> _routers = new(StringComparer.Ordinal);

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
        return AdminAnswer.Created(new JsonObject { ["id"] = id, ["rtpCapabilities"] = Json(created.Value.OfferedCapabilities.ToJson()) });

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
                transports.Forget(transport);
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

        return await thread.InvokeAsync((worker, now) => find!() is { } router ? Open(thread, worker, router, listen, plain, now) : NoRouter(routerId)).ConfigureAwait(false);
    }

    /// <summary>A participant of a room, which need not be on this node, or anywhere, before.</summary>
    public Task<AdminAnswer> CreateForParticipantAsync(string room, PlainParticipant participant, string optionsJson) => _routers.ContainsKey(room)
        ? Task.FromResult(AdminAnswer.Refuse(409, $"{room} is a router and no room: it has no participants."))
        : participants.JoinAsync(room, participant.Name, participant.UserId, optionsJson);

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

    public Task<AdminAnswer> CloseAsync(string id) => participants.Owns(id) ? participants.LeaveAsync(id) : OnTransportAsync(id, (transport, _, now) =>
    {
        transports.Forget(id);
        transport.Close(now);
        return AdminAnswer.Done;
    });

    public Task<AdminAnswer> ProduceAsync(string id, string? producerId, MediaKind kind, RtpParameters parameters, bool paused) => participants.Owns(id)
        ? producerId is null
            ? participants.ProduceAsync(id, (Abstractions.Rooms.MediaKind)kind, parameters.ToJson(), paused)
            : Task.FromResult(AdminAnswer.Refuse(400, "A room gives its producers their ids: id must be absent."))
        : OnTransportAsync(id, (transport, worker, now) =>
    {
        if (!transport.Router.Id.StartsWith("admin/", StringComparison.Ordinal))
        {
            return AdminAnswer.Refuse(409, "A room's producers are its participants': make the transport with a participant.");
        }

        var produced = transport.Produce(producerId ?? Guid.NewGuid().ToString(), kind, parameters, paused, now);
        worker.RunSoon(transport, now);
        return produced.IsOk ? AdminAnswer.Created(PlainJson.Describe(produced.Value)) : AdminAnswer.Refuse(produced.Fault, produced.Error);
    });

    public Task<AdminAnswer> ConsumeAsync(string id, string producerId, RtpCapabilities capabilities, bool paused)
    {
        if (participants.Owns(id))
        {
            return Task.FromResult(AdminAnswer.Refuse(409, "A participant's transport sends: make one without a participant to receive."));
        }

        return transports.Find(id) is { } found && control.FindRoom(found.Transport.Router.Id)?.Spread is { } spread
            ? spread.WithProducerAtHomeAsync(producerId, ConsumeAsync)
            : ConsumeAsync();

        Task<AdminAnswer> ConsumeAsync() => OnTransportAsync(id, (transport, worker, now) =>
        {
            var consumed = transport.Consume(Guid.NewGuid().ToString(), producerId, capabilities, paused, now);
            worker.RunSoon(transport, now);
            return consumed.IsOk ? AdminAnswer.Created(PlainJson.Describe(consumed.Value)) : AdminAnswer.Refuse(consumed.Fault, consumed.Error);
        });
    }

    public Task<AdminAnswer> SetPausedAsync(string id, string mediaId, bool isProducer, bool paused) => isProducer && participants.Owns(id) ? participants.SetPausedAsync(id, mediaId, paused) : OnMediaAsync(
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

    public Task<AdminAnswer> CloseMediaAsync(string id, string mediaId, bool isProducer) => isProducer && participants.Owns(id)
        ? participants.CloseProducerAsync(id, mediaId)
        : OnMediaAsync(id, mediaId, isProducer, static (producer, now) => producer.Close(now), static (consumer, now) => consumer.Close(now));

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
        var created = transports.Open(thread, worker, router, Guid.NewGuid().ToString(), listen, plain, now);
        return created.IsOk ? AdminAnswer.Created(PlainJson.Describe(created.Value)) : AdminAnswer.Refuse(created.Fault, created.Error);
    }

    private async Task<AdminAnswer> OnTransportAsync(string id, Func<PlainTransport, MediaWorker, long, AdminAnswer> action)
    {
        if (transports.Find(id) is not { } found)
        {
            return NoTransport();
        }

        return await found.Thread.InvokeAsync((worker, now) =>
        {
            if (!found.Transport.IsClosed)
            {
                return action(found.Transport, worker, now);
            }

            transports.Forget(id);
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
