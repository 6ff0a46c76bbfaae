using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.SocketIo;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>A participant of this door: its place in the room, and the events from there to its socket.</summary>
internal sealed class MediasoupMember : IRoomObserver, IRoomLeaseHolder
{
    private readonly Lock _gate = new();
    private readonly MediasoupRoomView _view;
    private readonly MediasoupMembers _members;

    // Not null while the client has not been told the state that the events start from.
    private List<RoomEvent>? _held = [];

    // Of the last event that was delivered; 0 when the next one may have any.
    private long _sequence;
    private bool _hasMissed;

    public MediasoupMember(MediasoupMembers members, MediasoupSession session, IRoomGrain room, string roomId, JoinRoom request, string resumeToken)
    {
        _members = members;
        Session = session;
        Room = room;
        RoomId = roomId;
        Request = request;
        ResumeToken = resumeToken;
        _view = new MediasoupRoomView(request.ParticipantId);
    }

    public IRoomGrain Room { get; }

    public string RoomId { get; }

    /// <summary>How it joined, and joins again when the room has lost it.</summary>
    public JoinRoom Request { get; }

    public string PeerId => Request.ParticipantId;

    /// <summary>The secret with which another socket takes the participant over.</summary>
    public string ResumeToken { get; }

    /// <summary>The session it belongs to now; another after a resumption.</summary>
    public MediasoupSession Session { get; private set; }

    /// <summary>What the room calls; set by <see cref="MediasoupMembers"/>, which keeps this object alive with it.</summary>
    public IRoomObserver Reference { get; set; } = null!;

    /// <inheritdoc/>
    public Task OnRoomEventsAsync(RoomEvent[] events)
    {
        lock (_gate)
        {
            if (_held is not null)
            {
                _held.AddRange(events);
            }
            else
            {
                Deliver(events);
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task RenewAsync()
    {
        Outcome<Done> renewed = await Room.RenewAsync(PeerId, Reference).ConfigureAwait(false);
        MediasoupSession session = Session;
        if (renewed.Fault?.Code == FaultCode.NotFound)
        {
            await session.Socket.PostAsync(() => session.RejoinAsync(this)).ConfigureAwait(false);
        }
        else if (renewed.Fault?.Code == FaultCode.Gone)
        {
            session.OnTakenOver(this);
        }
        else if (HasMissed)
        {
            // The room could not be asked when the gap was found.
            await session.Socket.PostAsync(() => session.CatchUpAsync(this)).ConfigureAwait(false);
        }
    }

    private bool HasMissed
    {
        get
        {
            lock (_gate)
            {
                return _hasMissed;
            }
        }
    }

    /// <summary>Whether the room has another media node than the one that the client was told of.</summary>
    public bool HasMoved(RoomSnapshot room)
    {
        lock (_gate)
        {
            return _view.Node is { } told && room.NodeOf(PeerId) is { } now && told != now;
        }
    }

    /// <summary>Notes the media node of a transport that the client has made.</summary>
    public void NoteNode(string? node)
    {
        lock (_gate)
        {
            _view.NoteNode(node);
        }
    }

    /// <summary>Keeps events back until <see cref="Begin"/> or <see cref="Heal"/>.</summary>
    public void Hold()
    {
        lock (_gate)
        {
            _held ??= [];
        }
    }

    /// <summary>Goes over to another session.</summary>
    public void MoveTo(MediasoupSession session)
    {
        lock (_gate)
        {
            _held ??= [];
            Session = session;
        }
    }

    /// <summary>The client was given the snapshot: from here on it gets events.</summary>
    public void Begin(RoomSnapshot room)
    {
        lock (_gate)
        {
            _view.Reset(room);
            _hasMissed = false;
            Flush();
        }
    }

    /// <summary>Tells the client what differs from what it was told, and goes on with the events.</summary>
    public void Heal(RoomSnapshot? room, string? movedCapabilities)
    {
        lock (_gate)
        {
            // The move comes first: it ends what the client has, and the producers that are there now are news again.
            List<MediasoupEvent> output = [];
            if (movedCapabilities is not null)
            {
                _view.Apply(new MediaMoved(0, movedCapabilities), output);
            }

            if (room is not null)
            {
                _view.Reconcile(room, output);
                _hasMissed = false;
            }

            Emit(output);
            Flush();
        }
    }

    public void CloseOwn(string producerId)
    {
        lock (_gate)
        {
            _view.CloseOwn(producerId);
        }
    }

    public void PauseOwn(string producerId, bool paused)
    {
        lock (_gate)
        {
            _view.PauseOwn(producerId, paused);
        }
    }

    private void Flush()
    {
        RoomEvent[] held = _held is null ? [] : [.. _held];
        _held = null;
        _sequence = 0;
        Deliver(held);
    }

    private void Deliver(RoomEvent[] events)
    {
        List<MediasoupEvent> output = [];
        for (int i = 0; i < events.Length; i++)
        {
            RoomEvent roomEvent = events[i];
            if (roomEvent is not Evicted evicted)
            {
                if (_sequence != 0 && roomEvent.Sequence != _sequence + 1)
                {
                    // Events were lost on their way, or another activation of the room began to count: the room is asked.
                    _held = [.. events.AsSpan(i)];
                    _hasMissed = true;
                    MediasoupSession session = Session;
                    _ = session.Socket.PostAsync(() => session.CatchUpAsync(this)).AsTask();
                    break;
                }

                _sequence = roomEvent.Sequence;
                _view.Apply(roomEvent, output);
            }
            else if (_members.TryRemove(this))
            {
                output.Add(new MediasoupEvent("evicted", MediasoupAnswers.Evicted(RoomId, evicted.Reason)));
            }
        }

        Emit(output);
    }

    private void Emit(List<MediasoupEvent> output)
    {
        foreach (MediasoupEvent item in output)
        {
            Session.Socket.Emit(item.Name, item.Payload, item.IsVolatile);
        }
    }
}
