using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Media.Workers;

/// <summary>Plain transports, each with ports of its own.</summary>
public sealed partial class MediaWorker
{
    private readonly TransportSet<PlainTransport> _plains;

    /// <summary>Opens a plain transport in a router of this worker. The ports are the transport's from then on, unless it is refused.</summary>
    /// <param name="rtcpPort">Null with <see cref="PlainTransportOptions.RtcpMux"/>.</param>
    public MediaResult<PlainTransport> CreatePlainTransport(
        Router router, string id, PlainTransportOptions options, IPlainPort port, IPlainPort? rtcpPort, long now)
    {
        ArgumentNullException.ThrowIfNull(router);
        ArgumentNullException.ThrowIfNull(options);
        if (options.SrtpCryptoSuite is { } suite && !Srtp.SrtpParameters.Suites.Contains(suite))
        {
            return MediaResult<PlainTransport>.Refuse(MediaFault.Invalid, $"There is no crypto suite {suite}: {string.Join(", ", Srtp.SrtpParameters.Suites)}.");
        }

        if (options.RtcpMux == rtcpPort is not null)
        {
            return MediaResult<PlainTransport>.Refuse(MediaFault.Invalid, "A port for RTCP belongs to a transport without rtcpMux.");
        }

        if (IsFull)
        {
            return MediaResult<PlainTransport>.Refuse(MediaFault.Full, "The media node has no room for another transport.");
        }

        if (router.IsClosed)
        {
            return MediaResult<PlainTransport>.Refuse(MediaFault.Closed, "The room is closed.");
        }

        if (router.Transports.ContainsKey(id))
        {
            return MediaResult<PlainTransport>.Refuse(MediaFault.Conflict, "The transport id is taken.");
        }

        var plain = new PlainTransport(this, router, id, options, port, rtcpPort);
        _plains.Add(plain, now);
        Stats.PlainTransports = _plains.Count;
        return MediaResult<PlainTransport>.Ok(plain);
    }

    /// <summary>Takes one datagram of a plain transport's port; the span is decrypted in place.</summary>
    public void ReceivePlain(PlainTransport transport, Span<byte> datagram, in TransportAddress from, bool atRtcpPort, long now)
    {
        Stats.DatagramsReceived++;
        Stats.BytesReceived += datagram.Length;
        transport.Receive(datagram, from, atRtcpPort, now);
        if (!transport.IsClosed && transport.IsConnected)
        {
            _deadlines.NoLaterThan(transport.Timer, transport.Deadline);
        }
    }

    /// <summary>Lets a plain transport run its timers at once, after a command has changed what it does.</summary>
    public void RunSoon(PlainTransport transport, long now) => RunSoon(transport.Timer, now);

    /// <summary>A closing transport leaves the tables; its counters stay in the sums.</summary>
    internal void Forget(PlainTransport transport)
    {
        _plains.Remove(transport);
        Stats.PlainTransports = _plains.Count;
    }
}
