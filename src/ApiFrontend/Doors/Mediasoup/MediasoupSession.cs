using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Identity;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.SocketIo;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>What one socket asks for. Its requests run one at a time, in order.</summary>
internal sealed partial class MediasoupSession(
    SocketIoSocket socket, MediasoupMembers members, MediasoupGate gate, MediasoupTicket ticket, ILogger logger)
{
    private MediasoupMember? _member;

    public SocketIoSocket Socket { get; } = socket;

    /// <summary>The participant of this socket, or null: it may have been evicted, replaced or resumed elsewhere.</summary>
    private MediasoupMember? Member => _member is { } member && member.Session == this && members.Contains(member) ? member : null;

    public async Task<Outcome<SocketIoPayload>> JoinAsync(MediasoupRequest request, Action<SocketIoPayload> ack)
    {
        string roomId = request.Text("roomId");
        string? token = MediasoupGate.TokenOf(Socket.Handshake, request);
        (string userText, string userJson) = token is null ? request.UserId("userId") : ("", "null");
        string? displayName = request.OptionalText("displayName");
        string? resumeToken = request.OptionalText("resumeToken");
        if (request.Fault is { } fault)
        {
            return fault;
        }

        Outcome<MediasoupCaller> identified = await gate.IdentifyAsync(token, userText, userJson, roomId).ConfigureAwait(false);
        if (identified.Fault is { } refusal)
        {
            return refusal;
        }

        MediasoupCaller caller = identified.Value!;
        Guid userId = caller.UserId;
        if (caller.Identity is { } identity)
        {
            ticket.Show(identity);
        }

        if (resumeToken is not null && members.Find(resumeToken, roomId, userId) is { } earlier)
        {
            return await ResumeAsync(earlier, ack).ConfigureAwait(false);
        }

        if (resumeToken is not null && RoomResumption.Read(resumeToken) is { } resumption
            && await TakeOverAsync(resumption, Joining(resumption)).ConfigureAwait(false) is { } taken)
        {
            return taken;
        }

        if (Member is { } present)
        {
            await members.LeaveAsync(present, present.RoomId == roomId ? LeaveReason.Moved : LeaveReason.Left).ConfigureAwait(false);
        }

        // The same user, whose connection is lost, comes back without knowing how to resume: no ghost stays behind.
        foreach (MediasoupMember abandoned in members.FindAbandoned(roomId, userId))
        {
            await members.LeaveAsync(abandoned, LeaveReason.Moved).ConfigureAwait(false);
        }

        return await EnterAsync(Joining(RoomResumption.Make()), ack).ConfigureAwait(false);

        MediasoupMember Joining(RoomResumption resumption)
        {
            var join = new JoinRoom(
                resumption.ParticipantId, userId, caller.UserJson, displayName ?? caller.Name, MediasoupDoor.Name, ResumeKey: resumption.Key);
            return new MediasoupMember(members, this, members.FindRoom(roomId), roomId, join, resumption.Token);
        }

        // Null when the room does not know the participant: then the client joins anew.
        async Task<Outcome<SocketIoPayload>?> TakeOverAsync(RoomResumption resumption, MediasoupMember member)
        {
            members.Prepare(member);
            Outcome<RoomJoined> outcome;
            try
            {
                outcome = await member.Room.ResumeAsync(new ResumeRoom(resumption.ParticipantId, userId, resumption.Key), member.Reference).ConfigureAwait(false);
            }
            catch (Exception)
            {
                // Whether the room took it is not known; the client asks again with the same token.
                members.Discard(member);
                throw;
            }

            if (outcome.Fault is { } fault)
            {
                members.Discard(member);
                return fault.Code == FaultCode.NotFound ? null : (Outcome<SocketIoPayload>)fault;
            }

            if (Member is { } other)
            {
                await members.LeaveAsync(other, LeaveReason.Moved).ConfigureAwait(false);
            }

            return Begin(member, outcome.Value!, ack);
        }
    }

    public async Task<Outcome<SocketIoPayload>> LeaveAsync(MediasoupRequest request)
    {
        string? roomId = request.OptionalText("roomId");
        if (request.Fault is { } fault)
        {
            return fault;
        }

        if (Member is not { } member || (roomId is not null && roomId != member.RoomId))
        {
            return NotInRoom(roomId);
        }

        await members.LeaveAsync(member, LeaveReason.Left).ConfigureAwait(false);
        return MediasoupAnswers.Done;
    }

    public Task<Outcome<SocketIoPayload>> CreateTransportAsync(MediasoupRequest request)
        => InRoomAsync(
            request,
            async m =>
            {
                Outcome<TransportCreated> created = await m.Room.CreateTransportAsync(m.PeerId).ConfigureAwait(false);
                m.NoteNode(created.Value?.MediaNodeId);
                return created;
            },
            t => MediasoupAnswers.Raw(t.DescriptionJson));

    public Task<Outcome<SocketIoPayload>> ConnectTransportAsync(MediasoupRequest request)
    {
        string transportId = request.Text("transportId");
        string dtls = request.Object("dtlsParameters");
        return InRoomAsync(request, m => m.Room.ConnectTransportAsync(m.PeerId, transportId, dtls));
    }

    public Task<Outcome<SocketIoPayload>> CloseTransportAsync(MediasoupRequest request)
    {
        string transportId = request.Text("transportId");
        return InRoomAsync(request, m => m.Room.CloseTransportAsync(m.PeerId, transportId));
    }

    public Task<Outcome<SocketIoPayload>> RestartIceAsync(MediasoupRequest request)
    {
        string transportId = request.Text("transportId");
        return InRoomAsync(
            request, m => m.Room.RestartIceAsync(m.PeerId, transportId), ice => MediasoupAnswers.Wrapped("iceParameters", ice));
    }

    public Task<Outcome<SocketIoPayload>> ProduceAsync(MediasoupRequest request)
    {
        var produce = new ProduceRequest(
            request.Text("transportId"), request.Kind("kind"), request.Object("rtpParameters"), request.OptionalFlag("paused"));
        return InRoomAsync(request, m => m.Room.ProduceAsync(m.PeerId, produce), MediasoupAnswers.Id);
    }

    public Task<Outcome<SocketIoPayload>> PauseProducerAsync(MediasoupRequest request, bool paused)
    {
        string producerId = request.Text("producerId");
        return InRoomAsync(request, m =>
        {
            m.PauseOwn(producerId, paused);
            return m.Room.SetProducerPausedAsync(m.PeerId, producerId, paused);
        });
    }

    public Task<Outcome<SocketIoPayload>> CloseProducerAsync(MediasoupRequest request)
    {
        string producerId = request.Text("producerId");
        return InRoomAsync(request, m =>
        {
            m.CloseOwn(producerId);
            return m.Room.CloseProducerAsync(m.PeerId, producerId);
        });
    }

    public Task<Outcome<SocketIoPayload>> ConsumeAsync(MediasoupRequest request)
    {
        var consume = new ConsumeRequest(
            request.Text("transportId"), request.Text("producerId"), request.Object("rtpCapabilities"), request.OptionalFlag("paused"));
        return InRoomAsync(request, m => m.Room.ConsumeAsync(m.PeerId, consume), MediasoupAnswers.Consumer);
    }

    public Task<Outcome<SocketIoPayload>> PauseConsumerAsync(MediasoupRequest request, bool paused)
    {
        string consumerId = request.Text("consumerId");
        return InRoomAsync(request, m => m.Room.SetConsumerPausedAsync(m.PeerId, consumerId, paused));
    }

    public Task<Outcome<SocketIoPayload>> CloseConsumerAsync(MediasoupRequest request)
    {
        string consumerId = request.Text("consumerId");
        return InRoomAsync(request, m => m.Room.CloseConsumerAsync(m.PeerId, consumerId));
    }

    public Task<Outcome<SocketIoPayload>> SetPreferredLayersAsync(MediasoupRequest request)
    {
        string consumerId = request.Text("consumerId");
        int spatial = request.Layer("spatialLayer");
        int? temporal = request.OptionalLayer("temporalLayer");
        return InRoomAsync(request, m => m.Room.SetPreferredLayersAsync(m.PeerId, consumerId, spatial, temporal));
    }

    public Task<Outcome<SocketIoPayload>> SetPriorityAsync(MediasoupRequest request)
    {
        string consumerId = request.Text("consumerId");
        int priority = request.Priority("priority");
        return InRoomAsync(request, m => m.Room.SetConsumerPriorityAsync(m.PeerId, consumerId, priority));
    }

    public Task<Outcome<SocketIoPayload>> SetBitrateAsync(MediasoupRequest request, TransportBitrate which)
    {
        string transportId = request.Text("transportId");
        long bitrate = request.Bitrate("bitrate");
        return InRoomAsync(request, m => m.Room.SetTransportBitrateAsync(m.PeerId, transportId, which, bitrate));
    }

    /// <summary>The room does not know the participant any more: it goes in again under its id.</summary>
    public async Task RejoinAsync(MediasoupMember member)
    {
        if (Member != member)
        {
            return;
        }

        member.Hold();
        RoomSnapshot? room = null;
        string? moved = null;
        try
        {
            Outcome<RoomJoined> joined = await members.EnterAsync(member).ConfigureAwait(false);
            if (joined.Value is { } found && await IsStillThereAsync(member).ConfigureAwait(false))
            {
                room = found.Room;
                moved = found.Resumed ? null : found.RtpCapabilitiesJson;
                LogRejoined(logger, member.PeerId, member.RoomId);
            }
        }
        finally
        {
            // Without an answer the next renewal comes here again.
            member.Heal(room, moved);
        }
    }

    /// <summary>Events of the room did not arrive: the client is told what it missed.</summary>
    public async Task CatchUpAsync(MediasoupMember member)
    {
        if (Member != member)
        {
            return;
        }

        member.Hold();
        RoomSnapshot? room = null;
        string? moved = null;
        try
        {
            RoomSnapshot found = await member.Room.GetSnapshotAsync().ConfigureAwait(false);
            if (found.Participants.All(p => p.ParticipantId != member.PeerId))
            {
                // Removed, of which the eviction tells, or forgotten, which the next renewal finds.
                return;
            }

            if (member.HasMoved(found))
            {
                Outcome<RoomJoined> joined = await members.EnterAsync(member).ConfigureAwait(false);
                if (joined.Value is not { } again || !await IsStillThereAsync(member).ConfigureAwait(false))
                {
                    return;
                }

                (found, moved) = (again.Room, again.RtpCapabilitiesJson);
            }

            room = found;
            LogCaughtUp(logger, member.PeerId, member.RoomId);
        }
        finally
        {
            // Without an answer the next renewal comes here again.
            member.Heal(room, moved);
        }
    }

    /// <summary>The room says that another door has the participant now.</summary>
    public void OnTakenOver(MediasoupMember member)
    {
        if (members.TryRemove(member))
        {
            Socket.Emit("evicted", MediasoupAnswers.Evicted(member.RoomId, LeaveReason.Moved));
        }
    }

    /// <summary>The socket has ended for good.</summary>
    public Task OnDisconnectedAsync(DisconnectReason reason)
        => Member is not { } member ? Task.CompletedTask
            : reason == DisconnectReason.ServerShutdown ? members.ReleaseAsync(member)
            : members.LeaveAsync(member, reason is DisconnectReason.ClientDisconnect or DisconnectReason.GoingAway ? LeaveReason.Left : LeaveReason.ConnectionLost);

    /// <summary>
    /// Another socket may have taken the member out while the room was asked to take it in: then nobody would renew it,
    /// and the room is told that nobody is there.
    /// </summary>
    private async Task<bool> IsStillThereAsync(MediasoupMember member)
    {
        if (members.Contains(member))
        {
            return true;
        }

        await member.Room.LeaveAsync(member.PeerId, LeaveReason.ConnectionLost).ConfigureAwait(false);
        return false;
    }

    private static Fault NotInRoom(string? roomId)
        => new(FaultCode.NotFound, roomId is null ? "The socket is in no room." : $"The socket is not in room {roomId}.");

    private async Task<Outcome<SocketIoPayload>> EnterAsync(MediasoupMember member, Action<SocketIoPayload> ack)
    {
        members.Prepare(member);
        Outcome<RoomJoined> outcome;
        try
        {
            outcome = await members.EnterAsync(member).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // An answer that was lost may have been a yes: the room is told that nobody is there.
            members.Add(member);
            await members.LeaveAsync(member, LeaveReason.ConnectionLost).ConfigureAwait(false);
            throw;
        }

        if (outcome.Fault is { } fault)
        {
            members.Discard(member);
            return fault;
        }

        return Begin(member, outcome.Value!, ack);
    }

    private SocketIoPayload Begin(MediasoupMember member, RoomJoined room, Action<SocketIoPayload> ack)
    {
        _member = member;
        members.Add(member);
        SocketIoPayload answer = MediasoupAnswers.Joined(room, member.PeerId, member.ResumeToken, room.Resumed);
        ack(answer);
        member.Begin(room.Room);
        if (room.Resumed)
        {
            LogResumed(logger, member.PeerId, member.RoomId);
        }
        else
        {
            LogJoined(logger, member.PeerId, member.Request.UserText, member.RoomId);
        }

        return answer;
    }

    private async Task<Outcome<SocketIoPayload>> ResumeAsync(MediasoupMember member, Action<SocketIoPayload> ack)
    {
        if (Member is { } present && present != member)
        {
            await members.LeaveAsync(present, LeaveReason.Moved).ConfigureAwait(false);
        }

        MediasoupSession earlier = member.Session;
        member.MoveTo(this);
        _member = member;
        if (earlier != this)
        {
            earlier.Socket.Disconnect();
        }

        Outcome<RoomJoined> outcome;
        try
        {
            outcome = await members.EnterAsync(member).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The participant is this socket's now; the client asks again or hears on.
            member.Heal(null, null);
            throw;
        }

        if (outcome.Fault is { } fault)
        {
            await members.LeaveAsync(member, LeaveReason.ConnectionLost).ConfigureAwait(false);
            return fault;
        }

        if (!await IsStillThereAsync(member).ConfigureAwait(false))
        {
            return new Fault(FaultCode.Gone, "The participant has left in the meantime. Join again.");
        }

        RoomJoined room = outcome.Value!;
        SocketIoPayload answer = MediasoupAnswers.Joined(room, member.PeerId, member.ResumeToken, room.Resumed);
        ack(answer);
        member.Begin(room.Room);
        LogResumed(logger, member.PeerId, member.RoomId);
        return answer;
    }

    private async Task<Outcome<SocketIoPayload>> InRoomAsync<T>(
        MediasoupRequest request, Func<MediasoupMember, Task<Outcome<T>>> ask, Func<T, SocketIoPayload> answer)
    {
        string roomId = request.Text("roomId");
        if (request.Fault is { } fault)
        {
            return fault;
        }

        if (Member is not { } member || member.RoomId != roomId)
        {
            return NotInRoom(roomId);
        }

        Outcome<T> outcome = await ask(member).ConfigureAwait(false);
        return outcome.Fault is { } refused ? refused : answer(outcome.Value!);
    }

    private Task<Outcome<SocketIoPayload>> InRoomAsync(MediasoupRequest request, Func<MediasoupMember, Task<Outcome<Done>>> ask)
        => InRoomAsync(request, ask, static _ => MediasoupAnswers.Done);

    [LoggerMessage(3210, LogLevel.Information, "Peer {PeerId} of user {User} joined room {RoomId}")]
    private static partial void LogJoined(ILogger logger, string peerId, string user, string roomId);

    [LoggerMessage(3211, LogLevel.Information, "Peer {PeerId} came back to room {RoomId}")]
    private static partial void LogResumed(ILogger logger, string peerId, string roomId);

    [LoggerMessage(3212, LogLevel.Warning, "Room {RoomId} had lost peer {PeerId}, which is in it again")]
    private static partial void LogRejoined(ILogger logger, string peerId, string roomId);

    [LoggerMessage(3213, LogLevel.Warning, "Events of room {RoomId} did not reach peer {PeerId}, which was told what it missed")]
    private static partial void LogCaughtUp(ILogger logger, string peerId, string roomId);
}
