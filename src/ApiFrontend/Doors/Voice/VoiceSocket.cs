using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.ApiFrontend.WebSockets;

namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>One listener to a user's channel. It tells, and takes nothing but pings.</summary>
internal sealed class VoiceSocket : IMessageHandler, IVoiceObserver
{
    private readonly Guid _id = Guid.NewGuid();
    private readonly MessageSocket _socket;
    private readonly IGrainFactory _grains;
    private readonly IVoiceUserGrain _user;
    private readonly IVoiceObserver _reference;

    public VoiceSocket(MessageSocket socket, Guid userId, IGrainFactory grains)
    {
        _socket = socket;
        _grains = grains;
        _user = grains.GetGrain<IVoiceUserGrain>(userId);
        _reference = grains.CreateObjectReference<IVoiceObserver>(this);
    }

    /// <summary>The longest message is that of a client which has nothing to say but ping.</summary>
    public static MessageSocketLimits Limits { get; } = new(MaxMessageBytes: 4 * 1024, MaxQueued: 4096);

    /// <inheritdoc/>
    public TimeSpan RenewEvery => VoiceLease.RenewEvery;

    /// <inheritdoc/>
    public byte[] Farewell => VoiceSocketMessage.Restart;

    /// <inheritdoc/>
    public Task ConnectAsync() => _user.SubscribeAsync(_id, _reference);

    /// <summary>An activation that does not know the connection tells it the state anew.</summary>
    public Task RenewAsync() => _user.SubscribeAsync(_id, _reference);

    /// <inheritdoc/>
    public Task DisconnectAsync()
    {
        _grains.DeleteObjectReference<IVoiceObserver>(_reference);
        return _user.UnsubscribeAsync(_id);
    }

    /// <inheritdoc/>
    public Task HandleAsync(ReadOnlyMemory<byte> utf8)
    {
        _socket.Send(VoiceSocketMessage.Reply(utf8));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task OnNoticesAsync(VoiceNotice[] notices)
    {
        foreach (var notice in notices)
        {
            if (VoiceSocketMessage.Write(notice) is { } message)
            {
                _socket.Send(message);
            }
        }

        return Task.CompletedTask;
    }
}
