using System.Net;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Limits;
using VoiceCluster.ApiFrontend.SocketIo;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>What one socket may do: how often it may ask, and until when its token holds.</summary>
internal sealed class MediasoupTicket : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SocketIoSocket _socket;
    private readonly TokenExpiry _expiry;
    private readonly RequestLimits _limits;
    private readonly IPAddress? _address;
    private VoiceIdentity? _identity;
    private TokenWatch? _watch;
    private bool _isEnded;

    public MediasoupTicket(SocketIoSocket socket, TokenExpiry expiry, RequestLimits limits)
    {
        _socket = socket;
        _expiry = expiry;
        _limits = limits;
        _address = IPAddress.TryParse(socket.Handshake.Address, out IPAddress? address) ? address : null;
        if (socket.Handshake.Identity is { } identity)
        {
            Show(identity);
        }

        socket.OnResumed(handshake => ShowAgain(handshake.Identity));
    }

    /// <summary>The client has shown a token, which counts from here on.</summary>
    public void Show(VoiceIdentity identity)
    {
        lock (_gate)
        {
            if (_isEnded)
            {
                return;
            }

            _identity = identity;
            if (_watch is null)
            {
                _watch = _expiry.Watch(identity.ExpiresAt, OnExpired);
            }
            else
            {
                _watch.Renew(identity.ExpiresAt);
            }
        }
    }

    /// <summary>Counts an event; false past the limit of the address or of the token's user.</summary>
    public bool TryTake(out TimeSpan retryAfter)
    {
        VoiceIdentity? identity = Volatile.Read(ref _identity);
        return _limits.TryAddress(_address, out retryAfter) && (identity is null || _limits.TryUser(identity.UserId, out retryAfter));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isEnded = true;
            _watch?.Dispose();
        }
    }

    /// <summary>The client came back. Another user's token does not lengthen this one's stay.</summary>
    private void ShowAgain(VoiceIdentity? identity)
    {
        if (identity is not null && Volatile.Read(ref _identity)?.UserId == identity.UserId)
        {
            Show(identity);
        }
    }

    private void OnExpired()
    {
        _socket.Emit("token-expired", MediasoupAnswers.Problem("UNAUTHENTICATED", "The token has expired. Connect again with a new one."));
        _socket.Disconnect();
    }
}
