using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Admin;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Control;

/// <summary>The node's plain transports by their ids, and where they get their ports.</summary>
public sealed class PlainTransports(MediaNodeRuntime runtime, IOptions<MediaNodeOptions> options)
{
    private const int MaxTransports = 10_000;

    private readonly ConcurrentDictionary<string, Entry> _transports = new(StringComparer.Ordinal);

    /// <summary>The transport of an id; null when there is none. It may be closed.</summary>
    internal Entry? Find(string id) => _transports.GetValueOrDefault(id);

    /// <summary>A transport that was closed.</summary>
    internal void Forget(string id) => _transports.TryRemove(id, out _);

    /// <summary>Opens a transport with its ports, on the thread of its worker.</summary>
    internal MediaResult<PlainTransport> Open(WorkerThread thread, MediaWorker worker, Router router, string id, PlainListen listen, PlainTransportOptions plain, long now)
    {
        ForgetClosed();
        if (_transports.Count >= MaxTransports)
        {
            return MediaResult<PlainTransport>.Refuse(MediaFault.Full, $"There are {MaxTransports} plain transports already.");
        }

        List<PlainPort> ports = [];
        try
        {
            ports.Add(OpenPort(thread.PlainPorts, listen, isRtcp: false));
            if (!plain.RtcpMux)
            {
                ports.Add(OpenPort(thread.PlainPorts, listen with { Port = 0 }, isRtcp: true));
            }
        }
        catch (SocketException e)
        {
            ports.ForEach(static p => p.Close());
            return MediaResult<PlainTransport>.Refuse(MediaFault.Conflict, $"The transport got no port: {e.Message}.");
        }

        var created = worker.CreatePlainTransport(router, id, plain, ports[0], ports.Count > 1 ? ports[1] : null, now);
        if (!created.IsOk)
        {
            ports.ForEach(static p => p.Close());
            return created;
        }

        ports.ForEach(p => p.Transport = created.Value);
        _transports[id] = new Entry(thread, created.Value!);
        return created;
    }

    private PlainPort OpenPort(PlainPorts ports, PlainListen listen, bool isRtcp)
    {
        var settings = options.Value;
        var ip = listen.Ip ?? IPAddress.Parse(settings.Ip);
        var announced = listen.Announced ?? (listen.Ip is null ? runtime.Announced : null);
        if (listen.Port != 0)
        {
            return ports.Open(new IPEndPoint(ip, listen.Port), announced, settings.SocketBufferBytes, isRtcp);
        }

        settings.TryGetPlainPorts(out var first, out var last);
        for (int port = first; ; port++)
        {
            try
            {
                return ports.Open(new IPEndPoint(ip, port), announced, settings.SocketBufferBytes, isRtcp);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse && port < last)
            {
                // The next one.
                continue;
            }
        }
    }

    /// <summary>Transports of rooms that have ended.</summary>
    private void ForgetClosed()
    {
        foreach (var (id, entry) in _transports)
        {
            if (entry.Transport.IsClosed)
            {
                _transports.TryRemove(id, out _);
            }
        }
    }

    /// <summary>A transport and the thread that it belongs to.</summary>
    internal sealed record Entry(WorkerThread Thread, PlainTransport Transport);
}
