using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.WebSockets;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>
/// One client's signalling connection. What it says, and what happens in its channels, is done in turn by one task, so that it
/// hears of its join before it hears of those who came after it.
/// </summary>
internal sealed partial class ChannelSocket(MessageSocket socket, IPAddress? address, ChannelSocketServices services) : IMessageHandler
{
    /// <summary>Channels that one connection may be in at once.</summary>
    private const int MaxChannels = 16;

    /// <summary>Bytes of a session and of a key.</summary>
    private const int SecretLength = 16;

    private readonly Dictionary<Guid, ChannelMember> _members = [];
    private readonly Channel<Func<Task>> _turns = System.Threading.Channels.Channel.CreateUnbounded<Func<Task>>(new UnboundedChannelOptions { SingleReader = true });
    private readonly byte[] _firstKey = NewKey();
    private bool _firstKeyIsUsed;
    private Task _work = Task.CompletedTask;
    private ChannelCaller? _caller;
    private TokenWatch? _watch;

    /// <summary>No message of a client is longer than a token and a few ids.</summary>
    public static MessageSocketLimits Limits { get; } = new(MaxMessageBytes: 16 * 1024, MaxQueued: 4096);

    /// <summary>What proves the client's address, in all its channels.</summary>
    public byte[] Session { get; } = NewKey();

    /// <inheritdoc/>
    public TimeSpan RenewEvery => RoomLease.RenewEvery;

    /// <inheritdoc/>
    public byte[] Farewell => ChannelSocketJson.Error("SERVICE_RESTART", "This server stops. Connect again; give each channel's resume_token to go on where you were.");

    /// <summary>16 random bytes.</summary>
    public static byte[] NewKey() => RandomNumberGenerator.GetBytes(SecretLength);

    /// <inheritdoc/>
    public Task ConnectAsync()
    {
        _work = WorkAsync();
        return Task.CompletedTask;
    }

    /// <summary>The members' leases are renewed by <see cref="Rooms.RoomLeases"/>.</summary>
    public Task RenewAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task DisconnectAsync()
    {
        Post(socket.EndsForRestart && !services.Site.IsAlone ? StayAsync : () => LeaveAllAsync(LeaveReason.ConnectionLost));
        _turns.Writer.TryComplete();
        await _work.ConfigureAwait(false);
        _watch?.Dispose();
    }

    /// <inheritdoc/>
    public async Task HandleAsync(ReadOnlyMemory<byte> utf8)
    {
        if (!services.Limits.TryAddress(address, out var retryAfter) || (_caller is not null && !services.Limits.TryUser(_caller.UserId, out retryAfter)))
        {
            Send(ChannelSocketJson.Error("RATE_LIMITED", "Too many messages. Wait a moment.", retryAfter: Math.Ceiling(retryAfter.TotalSeconds)));
            return;
        }

        if (ChannelSocketJson.Read(utf8) is not { } request)
        {
            Send(ChannelSocketJson.Error("INVALID_MESSAGE", "A message is a JSON object with one member, such as {\"JoinChannel\":{\"channel_id\":\"…\"}}."));
            return;
        }

        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_turns.Writer.TryWrite(async () =>
            {
                try
                {
                    await ExecuteAsync(request).ConfigureAwait(false);
                }
                finally
                {
                    done.TrySetResult();
                }
            }))
        {
            await done.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Does something in turn.</summary>
    public void Post(Func<Task> work) => _turns.Writer.TryWrite(work);

    /// <summary>Tells the client something.</summary>
    public void Send(byte[] message) => socket.Send(message);

    /// <summary>How the client speaks, in the words of the messages.</summary>
    public SocketUdp DescribeUdp(RelayEndPoint? endPoint, byte[] key) => new(
        endPoint?.Address, endPoint?.Port ?? services.Audio.UdpPort, Convert.ToHexStringLower(Session), Convert.ToHexStringLower(key));

    /// <summary>The room has put a member out.</summary>
    public void OnEvicted(ChannelMember member, LeaveReason reason)
    {
        if (_members.Remove(member.ChannelId))
        {
            Release(member);
            Send(ChannelSocketJson.UserLeft(_caller!.UserId, member.ChannelId, ChannelSocketJson.ReasonOf(reason)));
        }
    }

    private async Task WorkAsync()
    {
        await foreach (var work in _turns.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                await work().ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                LogFailed(services.Logger, e, _caller?.UserId);
            }
        }
    }

    private async Task ExecuteAsync(SocketRequest request)
    {
        Guid? channelId = request.Body.ValueKind == JsonValueKind.Object && JsonBody.TryReadId(request.Body, "channel_id", out var id) ? id : null;
        try
        {
            switch (request.Name)
            {
                case "Authenticate":
                    await AuthenticateAsync(request.Body).ConfigureAwait(false);
                    return;
                case "Ping":
                    Send(ChannelSocketJson.Pong());
                    return;
                case var unknown when !ChannelSocketJson.Requests.Contains(unknown):
                    Send(ChannelSocketJson.Error("UNKNOWN_MESSAGE", $"There are the messages {string.Join(", ", ChannelSocketJson.Requests)}."));
                    return;
                case var _ when _caller is null:
                    Send(ChannelSocketJson.Error("UNAUTHENTICATED", "Authenticate first.", channelId));
                    return;
                case var _ when channelId is null:
                    Send(ChannelSocketJson.Error("INVALID_MESSAGE", "channel_id must be a UUID."));
                    return;
                case "JoinChannel":
                    await JoinAsync(channelId.Value, request.Body).ConfigureAwait(false);
                    return;
                default:
                    await ExecuteInChannelAsync(request, channelId.Value).ConfigureAwait(false);
                    return;
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogFailed(services.Logger, e, _caller?.UserId);
            Send(ChannelSocketJson.Error("UNAVAILABLE", "The cluster cannot do this now. Try again.", channelId));
        }
    }

    private async Task ExecuteInChannelAsync(SocketRequest request, Guid channelId)
    {
        if (!_members.TryGetValue(channelId, out var member))
        {
            Send(ChannelSocketJson.Error("NOT_IN_CHANNEL", "Join the channel first.", channelId));
            return;
        }

        Fault? fault = null;
        switch (request.Name)
        {
            case "LeaveChannel":
                _members.Remove(channelId);
                await member.LeaveAsync(LeaveReason.Left).ConfigureAwait(false);
                Release(member);
                Send(ChannelSocketJson.UserLeft(_caller!.UserId, channelId, ChannelSocketJson.ReasonOf(LeaveReason.Left)));
                break;
            case "StartAudio":
                fault = await member.StartAudioAsync().ConfigureAwait(false);
                break;
            case "StopAudio":
                fault = await member.StopAudioAsync().ConfigureAwait(false);
                break;
            default:
                fault = JsonBody.TryReadFlag(request.Body, "mute", out var mute) && JsonBody.TryReadFlag(request.Body, "deaf", out var deaf)
                    ? await member.SetVoiceStateAsync(mute ?? false, deaf ?? false).ConfigureAwait(false)
                    : new Fault(FaultCode.Invalid, "mute and deaf must be true or false.");
                break;
        }

        if (fault is not null)
        {
            Send(ChannelSocketJson.Error(fault, channelId));
        }
    }

    private async Task AuthenticateAsync(JsonElement body)
    {
        var identified = await services.IdentifyAsync(body).ConfigureAwait(false);
        if (identified.Fault is { } refused)
        {
            Send(ChannelSocketJson.Error(refused, null));
            return;
        }

        var caller = identified.Value!;
        if (_caller is not null && _caller.UserId != caller.UserId)
        {
            Send(ChannelSocketJson.Error("CONFLICT", "The connection is another user's. Open one for each."));
            return;
        }

        _caller = caller;
        if (caller.Identity is { } identity)
        {
            _watch ??= services.Expiry.Watch(identity.ExpiresAt, () => socket.Close(MessageSocket.TokenExpired, "The token has expired."));
            _watch.Renew(identity.ExpiresAt);
        }

        var endPoint = await services.Relay.FindAsync().ConfigureAwait(false);
        Send(ChannelSocketJson.Authenticated(new SocketUser(caller.UserId, caller.Username), caller.Token, DescribeUdp(endPoint, _firstKey)));
    }

    private async Task JoinAsync(Guid channelId, JsonElement body)
    {
        var mode = body.TryGetProperty("mode", out var given) && given.ValueKind != JsonValueKind.Null ? StrictJson.TextOf(given, 16) : "forward";
        if (mode is not ("forward" or "mix"))
        {
            Send(ChannelSocketJson.Error("INVALID_MESSAGE", "mode is \"forward\" or \"mix\".", channelId));
            return;
        }

        var shown = body.TryGetProperty("resume_token", out var token) && token.ValueKind != JsonValueKind.Null ? StrictJson.TextOf(token, RoomResumption.MaxLength) : "";
        if (shown is null)
        {
            Send(ChannelSocketJson.Error("INVALID_MESSAGE", "resume_token is a text, that of ChannelJoined.", channelId));
            return;
        }

        if (_caller!.Identity?.MayJoin(ChannelInfo.RoomOf(channelId)) == false)
        {
            Send(ChannelSocketJson.Error("FORBIDDEN", "The token does not grant this channel.", channelId));
            return;
        }

        if (_members.Remove(channelId, out var present))
        {
            // Again, perhaps in the other mode: from the beginning.
            await present.LeaveAsync(LeaveReason.Left).ConfigureAwait(false);
            Release(present);
        }

        if (_members.Count >= MaxChannels)
        {
            Send(ChannelSocketJson.Error("CONFLICT", $"A connection may be in {MaxChannels} channels at most.", channelId));
            return;
        }

        var channel = await services.Grains.GetGrain<IChannelGrain>(channelId).GetAsync().ConfigureAwait(false);
        if (channel.Fault is { } unknown)
        {
            Send(ChannelSocketJson.Error(unknown, channelId));
            return;
        }

        // Whoever does not know the participant says NotFound: then the client joins anew.
        var refused = RoomResumption.Read(shown) is { } resumption
            ? await EnterAsync(channel.Value!, resumption, mode, resumes: true).ConfigureAwait(false)
            : new Fault(FaultCode.NotFound, "");
        if (refused?.Code == FaultCode.NotFound)
        {
            refused = await EnterAsync(channel.Value!, RoomResumption.Make(), mode, resumes: false).ConfigureAwait(false);
        }

        if (refused is not null)
        {
            Send(ChannelSocketJson.Error(refused, channelId));
        }
    }

    private async Task<Fault?> EnterAsync(ChannelInfo channel, RoomResumption resumption, string mode, bool resumes)
    {
        var request = new JoinRoom(
            resumption.ParticipantId,
            _caller!.UserId,
            JsonSerializer.Serialize(_caller.Username),
            _caller.Username,
            "channels",
            RequiresChannel: true,
            ResumeKey: resumption.Key);
        var member = new ChannelMember(this, channel.Id, services.Rooms.Find(channel.Room), services.Entry, request, resumption.Token, mode == "mix");
        member.Reference = services.Rooms.Refer(member);

        // The key of Authenticated is for the first channel; no key serves two, lest a nonce come twice under one.
        var key = _firstKeyIsUsed ? NewKey() : _firstKey;
        Fault? refused = new(FaultCode.Unavailable, "");
        try
        {
            refused = await (resumes ? member.ResumeAsync(key) : member.JoinAsync(key)).ConfigureAwait(false);
        }
        finally
        {
            _firstKeyIsUsed |= !resumes || refused?.Code != FaultCode.NotFound;
            if (refused is not null)
            {
                services.Rooms.Release(member.Reference);
            }
        }

        if (refused is not null)
        {
            return refused;
        }

        _members.Add(channel.Id, member);
        services.Leases.Add(member);
        Send(ChannelSocketJson.ChannelJoined(ChannelAnswer.Of(channel), member, resumes));
        return null;
    }

    /// <summary>
    /// This process stops, and the rooms live on: the members stay in them. Their client comes back through another frontend within
    /// the lease, and its sound goes on until then.
    /// </summary>
    private Task StayAsync()
    {
        foreach (var member in _members.Values)
        {
            Release(member);
        }

        _members.Clear();
        return Task.CompletedTask;
    }

    private async Task LeaveAllAsync(LeaveReason reason)
    {
        foreach (var member in _members.Values)
        {
            try
            {
                await member.LeaveAsync(reason).ConfigureAwait(false);
            }
            catch (Exception e) when (e is TimeoutException or OrleansException)
            {
                // The lease ends the participant instead.
                LogFailed(services.Logger, e, _caller?.UserId);
            }

            Release(member);
        }

        _members.Clear();
    }

    private void Release(ChannelMember member)
    {
        services.Leases.Remove(member);
        services.Rooms.Release(member.Reference);
    }

    [LoggerMessage(3520, LogLevel.Warning, "User {User}: the cluster could not do what came over the channel socket")]
    private static partial void LogFailed(ILogger logger, Exception exception, Guid? user);
}
