using VoiceCluster.Media.Net;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Routing;

namespace VoiceCluster.Media.Workers;

/// <summary>The relay port: native clients whose packets name their user and channel.</summary>
public sealed partial class MediaWorker
{
    private readonly Dictionary<RelayIdentity, RelayTransport> _relays = [];
    private readonly TransportSet<RelayTransport> _relayList;

    /// <summary>Null where this worker has no relay port.</summary>
    internal CountingSink? RelaySink { get; }

    /// <summary>
    /// Opens a relay client's transport in a router of this worker. A user has one in a channel: an older one is closed, for
    /// packets say no more than user and channel.
    /// </summary>
    public MediaResult<RelayTransport> CreateRelay(Router router, RelayCredentials credentials, IRelayTransportListener listener, long now)
    {
        ArgumentNullException.ThrowIfNull(router);
        ArgumentNullException.ThrowIfNull(credentials);
        if (RelaySink is null)
        {
            return MediaResult<RelayTransport>.Refuse(MediaFault.Unsupported, "The relay port is not open where this room is.");
        }

        if (IsFull)
        {
            return MediaResult<RelayTransport>.Refuse(MediaFault.Full, "The media node has no room for another transport.");
        }

        if (router.IsClosed)
        {
            return MediaResult<RelayTransport>.Refuse(MediaFault.Closed, "The room is closed.");
        }

        if (router.Transports.ContainsKey(credentials.Id))
        {
            return MediaResult<RelayTransport>.Refuse(MediaFault.Conflict, "The transport id is taken.");
        }

        if (credentials.Session.Length != RelayCredentials.SessionLength || credentials.Key.Length != RelayCipher.KeyLength)
        {
            return MediaResult<RelayTransport>.Refuse(MediaFault.Invalid, "A relay session and its key have 16 bytes each.");
        }

        if (_relays.TryGetValue(credentials.Identity, out var older))
        {
            older.Close(now);
        }

        var transport = new RelayTransport(this, router, credentials, listener);
        _relayList.Add(transport, now);
        _relays.Add(credentials.Identity, transport);
        Stats.Relays = _relayList.Count;
        return MediaResult<RelayTransport>.Ok(transport);
    }

    /// <summary>Takes one datagram of the relay port; the span is modified.</summary>
    public void ReceiveRelay(Span<byte> datagram, in TransportAddress from, long now)
    {
        Stats.DatagramsReceived++;
        Stats.RelayDatagramsReceived++;
        Stats.BytesReceived += datagram.Length;
        if (datagram.Length > Options.Relay.MaxPacketSize || !RelayHeader.TryParse(datagram, out var header))
        {
            Stats.CountDrop(DropReason.RelayMalformed);
            return;
        }

        if (!from.IsReachable)
        {
            Stats.CountDrop(DropReason.UnknownSource);
            return;
        }

        if (!_relays.TryGetValue(new RelayIdentity(header.User, header.Channel), out var transport))
        {
            Stats.CountDrop(DropReason.RelayUnknown);
            return;
        }

        var reason = transport.Receive(datagram, header, from, now);
        if (reason != DropReason.None)
        {
            transport.Stats.CountDrop(reason);
        }

        _deadlines.NoLaterThan(transport.Timer, transport.Deadline);
    }

    /// <summary>Lets a transport of whatever kind run its timers at once.</summary>
    public void RunSoon(Transport transport, long now)
    {
        switch (transport)
        {
            case Transports.WebRtcTransport webRtc:
                RunSoon(webRtc, now);
                break;
            case RelayTransport relay:
                RunSoon(relay.Timer, now);
                break;
        }
    }

    /// <summary>A closing transport leaves the tables; its counters stay in the sums.</summary>
    internal void Forget(RelayTransport transport)
    {
        if (_relays.TryGetValue(transport.Identity, out var known) && known == transport)
        {
            _relays.Remove(transport.Identity);
        }

        _relayList.Remove(transport);
        Stats.Relays = _relayList.Count;
    }
}
