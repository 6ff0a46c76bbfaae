using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using VoiceCluster.Hosting;
using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Mixing;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.MediaNode.Io;

/// <summary>The media plane of one process: its certificate, its workers and their ports. Started first, stopped last.</summary>
public sealed partial class MediaNodeRuntime(
    IOptions<MediaNodeOptions> options,
    MonotonicClock clock,
    TimeProvider time,
    ILogger<MediaNodeRuntime> logger,
    IOptions<RelayOptions>? relay = null) : IHostedService, IAsyncDisposable
{
    private readonly MediaNodeOptions _options = options.Value;
    private readonly RelayOptions? _relay = relay?.Value;
    private readonly List<WorkerThread> _workers = [];
    private DtlsContext? _dtls;

    /// <summary>The workers; empty before the start.</summary>
    public IReadOnlyList<WorkerThread> Workers => _workers;

    /// <summary>The address that clients are told; null before the start.</summary>
    public IPAddress? Announced { get; private set; }

    /// <summary>Where native clients send to; null without a relay port.</summary>
    public IPEndPoint? RelayEndPoint { get; private set; }

    /// <summary>Workers that have the relay port, from the first on; see <see cref="Media.Relay.RelaySteering"/>.</summary>
    public int RelayWorkers => _workers.Count(w => w.Relay is not null);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var listen = IPAddress.Parse(_options.Ip);
        var configured = string.IsNullOrEmpty(_options.AnnouncedIp) ? null : IPAddress.Parse(_options.AnnouncedIp);
        Announced = AnnouncedAddress.Choose(listen, configured, AnnouncedAddress.OfThisMachine())
            ?? throw new StartException(
                $"Media:Ip is {listen} and no interface has an address that clients could reach. Set Media:AnnouncedIp.");
        _dtls = new DtlsContext(DtlsCertificate.Create(time.GetUtcNow().AddDays(-1)));
        OpenWorkers(listen);
        foreach (var worker in _workers)
        {
            worker.Start();
        }

        LogStarted(logger, _workers.Count, Announced, string.Join(", ", _workers.Select(w => w.Socket.LocalEndPoint)));
        var buffer = _workers[0].Socket.ReceiveBufferSize;
        if (buffer < _options.SocketBufferBytes)
        {
            LogSmallBuffer(logger, buffer, _options.SocketBufferBytes);
        }

        if (!OpusSupport.IsAvailable)
        {
            LogNoOpus(logger);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SayGoodbyeAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The time to stop is used up, or a worker ended meanwhile: the ports are freed all the same.
            LogNoGoodbye(logger);
        }

        await DisposeAsync().ConfigureAwait(false);
    }

    private async Task SayGoodbyeAsync(CancellationToken cancellationToken)
    {
        foreach (var worker in _workers)
        {
            if (worker.IsAlive)
            {
                await worker.InvokeAsync(static (w, now) =>
                {
                    // Clients hear close_notify, so they need not wait for ICE to fail.
                    foreach (var router in w.Routers.Values.ToArray())
                    {
                        w.CloseRouter(router, now);
                    }

                    return true;
                }).WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync().ConfigureAwait(false);
        }

        _dtls?.Dispose();
        _dtls = null;
    }

    private void OpenWorkers(IPAddress listen)
    {
        _options.TryGetPorts(out var first, out var last);
        var wanted = Math.Min(_options.WorkerCount(), last - first + 1);
        var sockets = new List<IBatchSocket>();
        for (int port = first; port <= last && sockets.Count < wanted; port++)
        {
            try
            {
                sockets.Add(Open(new IPEndPoint(listen, port)));
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                LogPortInUse(logger, port);
                continue;
            }
            catch (SocketException e)
            {
                throw new StartException($"Media:Ip {listen}, UDP port {port}: {e.Message}.", e);
            }
        }

        if (sockets.Count == 0)
        {
            throw new StartException($"Every UDP port of Media:PortRange {_options.PortRange} on {listen} is in use.");
        }

        if (sockets.Count < wanted)
        {
            LogFewerWorkers(logger, sockets.Count, wanted, _options.PortRange);
        }

        var relays = OpenRelay(listen, sockets);
        for (var i = 0; i < sockets.Count; i++)
        {
            AddWorker(sockets[i], i < relays.Length ? relays[i] : null);
        }
    }

    private IBatchSocket[] OpenRelay(IPAddress listen, List<IBatchSocket> sockets)
    {
        if (_relay is not { Enabled: true })
        {
            return [];
        }

        var relays = RelayPort.Open(listen, _relay.UdpPort, sockets.Count, _options.SocketBufferBytes, _options.PortableSockets);
        for (var i = 0; i < relays.Length; i++)
        {
            sockets[i].WaitAlsoFor(relays[i]);
        }

        RelayEndPoint = new IPEndPoint(Announced!, relays[0].LocalEndPoint.Port);
        LogRelay(logger, RelayEndPoint, relays.Length, _relay.UdpPort);
        return relays;
    }

    private void AddWorker(IBatchSocket socket, IBatchSocket? relaySocket)
    {
        var settings = new MediaWorkerOptions
        {
            Announced = [TransportAddress.From(new IPEndPoint(Announced!, socket.LocalEndPoint.Port))],
            PipeAddress = string.IsNullOrEmpty(_options.PipeIp) ? null : TransportAddress.From(new IPEndPoint(IPAddress.Parse(_options.PipeIp), socket.LocalEndPoint.Port)),
            PadsPackets = _options.PadPackets,
            MaxTransports = _options.MaxTransportsPerWorker,
            Relay = _relay?.ToSettings() ?? new Media.Relay.RelaySettings(),
            Router = new RouterOptions
            {
                UnixTimeOffset = clock.UnixTimeOffset,
                MaxIncomingBitrate = _options.MaxIncomingBitrate,
                AdaptsVideo = _options.AdaptVideo,
                ForwardsSilence = _options.ForwardSilence,
                OffersRed = _options.OfferRed,
                Mixer = new MixerOptions { Bitrate = _options.MixBitrate, MaxVoices = _options.MixVoices },
            },
        };
        _options.TryGetProcessors(out var processors);
        int? processor = processors.Length == 0 ? null : processors[_workers.Count % processors.Length];
        _workers.Add(new WorkerThread(
            _workers.Count, socket, new MediaWorker(settings, _dtls!, socket, relaySocket), clock, logger, relaySocket, processor));
    }

    private IBatchSocket Open(IPEndPoint endPoint) => OperatingSystem.IsLinux() && !_options.PortableSockets
        ? new Media.Interop.Linux.LinuxUdpSocket(endPoint, _options.SocketBufferBytes)
        : new PortableUdpSocket(endPoint, _options.SocketBufferBytes);

    [LoggerMessage(2001, LogLevel.Information, "Media: {Workers} workers; clients are told {Announced}; ports {Ports}")]
    private static partial void LogStarted(ILogger logger, int workers, IPAddress announced, string ports);

    [LoggerMessage(2007, LogLevel.Information, "Relay: native clients send to {EndPoint}, {Workers} workers; Relay:UdpPort is {Wished}")]
    private static partial void LogRelay(ILogger logger, IPEndPoint endPoint, int workers, int wished);

    [LoggerMessage(2002, LogLevel.Information, "Media: UDP port {Port} is in use; the next one is tried")]
    private static partial void LogPortInUse(ILogger logger, int port);

    [LoggerMessage(2003, LogLevel.Warning, "Media: {Workers} of {Wanted} workers have a port; the others of {PortRange} are in use")]
    private static partial void LogFewerWorkers(ILogger logger, int workers, int wanted, string portRange);

    [LoggerMessage(2004, LogLevel.Warning, "Media: the system gave socket buffers of {Given} bytes, {Wanted} were asked for; raise net.core.rmem_max")]
    private static partial void LogSmallBuffer(ILogger logger, int given, int wanted);

    [LoggerMessage(2006, LogLevel.Warning, "Media: the system has no libopus: rooms cannot be mixed, and who sends without audio levels (RFC 6464) is not seen to speak")]
    private static partial void LogNoOpus(ILogger logger);

    [LoggerMessage(2005, LogLevel.Warning, "Media: there was no time to tell the clients that the node stops")]
    private static partial void LogNoGoodbye(ILogger logger);
}
