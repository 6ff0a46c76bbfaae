using System.Collections.Concurrent;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.MediaNode.Control;

namespace VoiceCluster.MediaNode.Admin;

/// <summary>
/// Participants that speak over a plain transport of this node. To a room this is a door like others: it joins, renews the lease, and leaves
/// when the transport is gone. Each has one transport, which only sends.
/// </summary>
internal sealed partial class PlainParticipants(
    PlainTransports transports, TimeProvider time, ILogger<PlainParticipants> logger, IClusterClient? cluster = null) : BackgroundService
{
    /// <summary>The door's name in rooms.</summary>
    public const string Door = "plain";

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Member> _byTransport = new(StringComparer.Ordinal);

    /// <summary>Whether a transport is a participant's.</summary>
    public bool Owns(string transportId) => _byTransport.ContainsKey(transportId);

    /// <summary>Joins a room under a name with a transport of its own, which is described as mediasoup does.</summary>
    public Task<AdminAnswer> JoinAsync(string roomName, string name, Guid userId, string optionsJson) => AskAsync(async grains =>
    {
        var room = grains.GetGrain<IRoomGrain>(roomName);
        var participant = Guid.NewGuid().ToString("N");
        var observer = new Deaf();
        var reference = grains.CreateObjectReference<IRoomObserver>(observer);
        var joined = await room.JoinAsync(new JoinRoom(participant, userId, name, name, Door), reference).ConfigureAwait(false);
        if (joined.Fault is { } refused)
        {
            return Refuse(refused);
        }

        var made = await room.CreatePlainTransportAsync(participant, optionsJson).ConfigureAwait(false);
        if (made.Fault is not null || transports.Find(made.Value!.TransportId) is null)
        {
            await room.LeaveAsync(participant, LeaveReason.Left).ConfigureAwait(false);
            return made.Fault is { } fault
                ? Refuse(fault)
                : AdminAnswer.Refuse(409, $"The room puts the participant on media node {made.Value!.MediaNodeId}: ask that one.");
        }

        var transport = made.Value!;
        _byTransport[transport.TransportId] = new Member(room, participant, transport.TransportId, observer, reference) { RenewAt = time.GetUtcNow() + RoomLease.RenewEvery };
        LogJoined(logger, roomName, name);
        var json = System.Text.Json.Nodes.JsonNode.Parse(transport.DescriptionJson)!.AsObject();
        json["participantId"] = participant;
        return AdminAnswer.Created(json);
    });

    /// <summary>Sends a track into the room.</summary>
    public Task<AdminAnswer> ProduceAsync(string transportId, MediaKind kind, string rtpParametersJson, bool paused) => OnMemberAsync(transportId, async member =>
    {
        var produced = await member.Room.ProduceAsync(member.ParticipantId, new ProduceRequest(transportId, kind, rtpParametersJson, paused)).ConfigureAwait(false);
        return produced.Fault is { } refused ? Refuse(refused) : AdminAnswer.Created(new System.Text.Json.Nodes.JsonObject
        {
            ["id"] = produced.Value,
            ["kind"] = kind.ToString().ToLowerInvariant(),
            ["paused"] = paused,
            ["packets"] = 0,
        });
    });

    /// <summary>Pauses or resumes a track.</summary>
    public Task<AdminAnswer> SetPausedAsync(string transportId, string producerId, bool paused) =>
        OnMemberAsync(transportId, async member => Answer(await member.Room.SetProducerPausedAsync(member.ParticipantId, producerId, paused).ConfigureAwait(false)));

    /// <summary>Ends a track.</summary>
    public Task<AdminAnswer> CloseProducerAsync(string transportId, string producerId) =>
        OnMemberAsync(transportId, async member => Answer(await member.Room.CloseProducerAsync(member.ParticipantId, producerId).ConfigureAwait(false)));

    /// <summary>Leaves the room.</summary>
    public Task<AdminAnswer> LeaveAsync(string transportId) => OnMemberAsync(transportId, async member =>
    {
        var left = await member.Room.LeaveAsync(member.ParticipantId, LeaveReason.Left).ConfigureAwait(false);
        if (left.Fault is null)
        {
            Forget(member);
        }

        return Answer(left);
    });

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await Task.WhenAll(_byTransport.Keys.Select(LeaveAsync)).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // There is no time left: their leases end.
            LogLeft(logger, _byTransport.Count);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(LookEvery, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            foreach (var member in _byTransport.Values)
            {
                await LookAfterAsync(member).ConfigureAwait(false);
            }
        }
    }

    private async Task LookAfterAsync(Member member)
    {
        if (transports.Find(member.TransportId) is not { Transport.IsClosed: false })
        {
            // The room has moved to another node, or has put the participant out.
            await LeaveAsync(member.TransportId).ConfigureAwait(false);
            return;
        }

        if (time.GetUtcNow() < member.RenewAt)
        {
            return;
        }

        try
        {
            var renewed = await member.Room.RenewAsync(member.ParticipantId, member.Reference).ConfigureAwait(false);
            member.RenewAt = time.GetUtcNow() + RoomLease.RenewEvery;
            if (renewed.Fault?.Code is FaultCode.NotFound or FaultCode.Gone)
            {
                LogForgotten(logger, member.ParticipantId);
                Forget(member);
            }
        }
        catch (Exception e) when (e is TimeoutException or OrleansException or OperationCanceledException)
        {
            // At the next look again: the lease is longer than four of them.
            LogNotRenewed(logger, member.ParticipantId, e.GetType().Name);
        }
    }

    private Task<AdminAnswer> OnMemberAsync(string transportId, Func<Member, Task<AdminAnswer>> action) => _byTransport.TryGetValue(transportId, out var member)
        ? AskAsync(_ => action(member))
        : Task.FromResult(AdminAnswer.Refuse(404, $"There is no plain transport {transportId}."));

    private async Task<AdminAnswer> AskAsync(Func<IClusterClient, Task<AdminAnswer>> action)
    {
        if (cluster is null)
        {
            return AdminAnswer.Refuse(409, "This media node belongs to no cluster: there is no room to join.");
        }

        try
        {
            return await action(cluster).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            return AdminAnswer.Refuse(503, "The cluster does not answer. Try again.");
        }
    }

    private void Forget(Member member)
    {
        if (_byTransport.TryRemove(member.TransportId, out _))
        {
            cluster!.DeleteObjectReference<IRoomObserver>(member.Reference);
            transports.Forget(member.TransportId);
        }
    }

    private static AdminAnswer Answer<T>(Outcome<T> outcome) => outcome.Fault is { } refused ? Refuse(refused) : AdminAnswer.Done;

    private static AdminAnswer Refuse(Fault fault) => AdminAnswer.Refuse(
        fault.Code switch
        {
            FaultCode.Forbidden => 403,
            FaultCode.NotFound => 404,
            FaultCode.Conflict or FaultCode.Full => 409,
            FaultCode.Gone => 410,
            FaultCode.Unavailable or FaultCode.Superseded => 503,
            _ => 400,
        },
        fault.Message);

    [LoggerMessage(2081, LogLevel.Information, "Room {Room}: {Name} joined over a plain transport")]
    private static partial void LogJoined(ILogger logger, string room, string name);

    [LoggerMessage(2082, LogLevel.Information, "The room no longer has participant {Participant} of a plain transport")]
    private static partial void LogForgotten(ILogger logger, string participant);

    [LoggerMessage(2083, LogLevel.Warning, "The lease of participant {Participant} of a plain transport was not renewed: {Error}")]
    private static partial void LogNotRenewed(ILogger logger, string participant, string error);

    [LoggerMessage(2084, LogLevel.Information, "{Count} participants of plain transports could not leave in time")]
    private static partial void LogLeft(ILogger logger, int count);

    private sealed class Member(IRoomGrain room, string participantId, string transportId, IRoomObserver observer, IRoomObserver reference)
    {
        public IRoomGrain Room => room;

        public string ParticipantId => participantId;

        public string TransportId => transportId;

        public IRoomObserver Reference => reference;

        public DateTimeOffset RenewAt { get; set; }

        /// <summary>The client keeps observers by weak references.</summary>
        public IRoomObserver Observer => observer;
    }

    /// <summary>Nobody tells an FFmpeg what happens in the room.</summary>
    private sealed class Deaf : IRoomObserver
    {
        public Task OnRoomEventsAsync(RoomEvent[] events) => Task.CompletedTask;
    }
}
