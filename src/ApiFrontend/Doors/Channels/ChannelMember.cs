using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Rooms;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>
/// A connection's place in one channel: the participant in the room, its relay transport, and what it receives. Everything
/// but the room's events and the lease runs in the connection's turn, one after the other.
/// </summary>
internal sealed class ChannelMember(ChannelSocket socket, Guid channelId, IRoomGrain room, RoomEntry entry, JoinRoom request, string resumeToken, bool isMix) : IRoomObserver, IRoomLeaseHolder
{
    private readonly ChannelView _view = new(channelId, request.ParticipantId);
    private long _sequence;
    private string? _transportId;
    private string? _producerId;
    private RelayMedia? _media;

    public Guid ChannelId => channelId;

    public bool IsMix => isMix;

    /// <summary>The secret with which another connection takes the place over.</summary>
    public string ResumeToken => resumeToken;

    public string Mode => isMix ? "mix" : "forward";

    /// <summary>The client has said StartAudio, and not StopAudio since.</summary>
    public bool IsStarted { get; private set; }

    public IEnumerable<SocketUser> Users => _view.Users;

    /// <summary>Where to send, and with what key; null before <see cref="OpenAsync"/>.</summary>
    public SocketUdp? Udp { get; private set; }

    /// <summary>What the room calls. This object lives as long as its connection holds it.</summary>
    public IRoomObserver Reference { get; set; } = null!;

    /// <summary>Enters the room and opens the way for sound. A fault leaves nothing behind.</summary>
    public async Task<Fault?> JoinAsync(byte[] key)
    {
        var joined = await entry.JoinAsync(room, request, Reference).ConfigureAwait(false);
        if (joined.Fault is { } refused)
        {
            return refused;
        }

        _view.Reset(joined.Value!.Room);
        if (await OpenAsync(key).ConfigureAwait(false) is { } fault)
        {
            await room.LeaveAsync(request.ParticipantId, LeaveReason.Left).ConfigureAwait(false);
            return fault;
        }

        return null;
    }

    /// <summary>
    /// Takes the place over that another connection had, and opens a way for sound of its own in place of the old one: others are told
    /// nothing but that the voice ends and begins. NotFound when nobody is there; another fault leaves nobody behind.
    /// </summary>
    public async Task<Fault?> ResumeAsync(byte[] key)
    {
        var resumed = await room.ResumeAsync(new ResumeRoom(request.ParticipantId, request.UserId, request.ResumeKey!), Reference).ConfigureAwait(false);
        if (resumed.Fault is { } refused)
        {
            return refused;
        }

        var present = resumed.Value!;
        IsStarted = Array.Exists(present.Room.Producers, p => p.ParticipantId == request.ParticipantId && !p.Paused);
        _view.Reset(present.Room);
        foreach (var transportId in present.Transports ?? [])
        {
            await room.CloseTransportAsync(request.ParticipantId, transportId).ConfigureAwait(false);
        }

        if (await OpenAsync(key).ConfigureAwait(false) is { } fault)
        {
            await room.LeaveAsync(request.ParticipantId, LeaveReason.Left).ConfigureAwait(false);
            return fault.Code == FaultCode.NotFound ? new Fault(FaultCode.Unavailable, fault.Message) : fault;
        }

        return null;
    }

    public Task LeaveAsync(LeaveReason reason) => room.LeaveAsync(request.ParticipantId, reason);

    public async Task<Fault?> StartAudioAsync()
    {
        IsStarted = true;
        if (_producerId is null)
        {
            return await ProduceAsync().ConfigureAwait(false);
        }

        return (await room.SetProducerPausedAsync(request.ParticipantId, _producerId, paused: false).ConfigureAwait(false)).Fault;
    }

    public async Task<Fault?> StopAudioAsync()
    {
        IsStarted = false;
        return _producerId is null
            ? null
            : (await room.SetProducerPausedAsync(request.ParticipantId, _producerId, paused: true).ConfigureAwait(false)).Fault;
    }

    public async Task<Fault?> SetVoiceStateAsync(bool mute, bool deaf) =>
        (await room.SetVoiceStateAsync(request.ParticipantId, mute, deaf).ConfigureAwait(false)).Fault;

    /// <inheritdoc/>
    public Task OnRoomEventsAsync(RoomEvent[] events)
    {
        socket.Post(() => ApplyAsync(events));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task RenewAsync()
    {
        var renewed = await room.RenewAsync(request.ParticipantId, Reference).ConfigureAwait(false);
        if (renewed.Fault?.Code == FaultCode.NotFound)
        {
            socket.Post(() => RejoinAsync([]));
        }
        else if (renewed.Fault?.Code == FaultCode.Gone)
        {
            socket.Post(() =>
            {
                socket.OnEvicted(this, LeaveReason.Moved);
                return Task.CompletedTask;
            });
        }
        else if (Udp is null)
        {
            // The media could not be opened anew when it moved.
            socket.Post(ReopenAsync);
        }
    }

    /// <summary>Opens a transport with what the client sends and receives on it.</summary>
    private async Task<Fault?> OpenAsync(byte[] key)
    {
        Udp = null;
        (_transportId, _producerId) = (null, null);
        var created = await room.CreateRelayTransportAsync(request.ParticipantId, new RelayTransportRequest(socket.Session, key)).ConfigureAwait(false);
        if (created.Fault is { } refused)
        {
            return refused;
        }

        (_transportId, _media) = (created.Value!.TransportId, created.Value.Media);
        if (isMix)
        {
            var mixed = await room.ConsumeMixAsync(
                request.ParticipantId, new ConsumeMixRequest(_transportId, _media.MixRtpParametersJson)).ConfigureAwait(false);
            if (mixed.Fault is { } unmixed)
            {
                return unmixed;
            }
        }
        else
        {
            await ReceiveAsync(_view.OtherVoices).ConfigureAwait(false);
        }

        if (IsStarted && await ProduceAsync().ConfigureAwait(false) is { } silent)
        {
            return silent;
        }

        Udp = socket.DescribeUdp(created.Value.EndPoint, key);
        return null;
    }

    private async Task<Fault?> ProduceAsync()
    {
        var produced = await room.ProduceAsync(
            request.ParticipantId, new ProduceRequest(_transportId!, MediaKind.Audio, _media!.ProducerRtpParametersJson)).ConfigureAwait(false);
        _producerId = produced.Value;
        return produced.Fault;
    }

    private async Task ReceiveAsync(IEnumerable<string> voices)
    {
        if (isMix || _transportId is null)
        {
            return;
        }

        foreach (var voice in voices)
        {
            // One that has gone meanwhile is refused, and its going is told.
            await room.ConsumeAsync(
                request.ParticipantId, new ConsumeRequest(_transportId, voice, _media!.RtpCapabilitiesJson)).ConfigureAwait(false);
        }
    }

    private async Task ApplyAsync(RoomEvent[] events)
    {
        List<byte[]> told = [];
        List<string> voices = [];
        var moved = false;
        foreach (var roomEvent in events)
        {
            if (roomEvent is Evicted evicted)
            {
                socket.OnEvicted(this, evicted.Reason);
                return;
            }

            if (_sequence != 0 && roomEvent.Sequence != _sequence + 1)
            {
                // Events were lost on their way, or another activation of the room began to count: the room is asked.
                told.ForEach(socket.Send);
                await RejoinAsync(voices).ConfigureAwait(false);
                return;
            }

            _sequence = roomEvent.Sequence;
            _view.Apply(roomEvent, told, voices);
            moved |= roomEvent is MediaMoved;
        }

        told.ForEach(socket.Send);
        if (moved)
        {
            await ReopenAsync().ConfigureAwait(false);
        }
        else
        {
            await ReceiveAsync(voices).ConfigureAwait(false);
        }
    }

    /// <summary>The media node is another: the client sends there, under a new key.</summary>
    private async Task ReopenAsync()
    {
        if (await OpenAsync(ChannelSocket.NewKey()).ConfigureAwait(false) is null)
        {
            socket.Send(ChannelSocketJson.MediaMoved(channelId, Udp!));
        }
    }

    /// <summary>Finds out what the room is by now, and whether the transport is still there: the word that it moved may be lost as well.</summary>
    /// <param name="voices">Those that are known, but not received yet.</param>
    private async Task RejoinAsync(List<string> voices)
    {
        _sequence = 0;
        var joined = await entry.JoinAsync(room, request, Reference).ConfigureAwait(false);
        if (joined.Fault is { } refused)
        {
            if (refused.Code is not FaultCode.Unavailable)
            {
                socket.OnEvicted(this, LeaveReason.Removed);
            }

            return;
        }

        List<byte[]> told = [];
        _view.Reconcile(joined.Value!.Room, told, voices);
        told.ForEach(socket.Send);
        if (_transportId is null || joined.Value.Transports?.Contains(_transportId) == false)
        {
            await ReopenAsync().ConfigureAwait(false);
        }
        else
        {
            await ReceiveAsync(voices).ConfigureAwait(false);
        }
    }
}
