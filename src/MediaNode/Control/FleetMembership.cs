using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Hosting.Health;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Control;

/// <summary>
/// Tells the fleet every second that this node lives, and at once when the fleet may have forgotten it: when it goes to another silo, and
/// when a silo is lost, which may have been the fleet's. At the end its rooms move first, while it still forwards them and its
/// clients make their new transports; then it leaves.
/// </summary>
public sealed partial class FleetMembership(
    IClusterClient cluster,
    MediaNodeControl control,
    MediaNodeRuntime runtime,
    MediaNodeIdentity identity,
    IOptions<MediaNodeOptions> options,
    TimeProvider time,
    ILogger<FleetMembership> logger) : BackgroundService, IHostedLifecycleService, IReadiness
{
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    /// <summary>A heartbeat of every other node and half of one more.</summary>
    private static readonly TimeSpan OthersHeardWithin = MediaFleet.HeartbeatEvery * 1.5;

    /// <summary>Rooms that are idle for so long are closed; looked at as often.</summary>
    private static readonly TimeSpan RoomIdle = TimeSpan.FromMinutes(1);

    private volatile TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _registered;
    private volatile bool _draining;
    private bool _failing;

    /// <inheritdoc/>
    public string Name => "media-node";

    /// <summary>
    /// Ready once the cluster knows the node and while its workers live. A cluster that is away later does not count:
    /// media goes on without it.
    /// </summary>
    public ReadinessState Check() =>
        runtime.Workers.Count == 0 ? ReadinessState.NotReady("The media ports are not open.")
        : !runtime.Workers.All(w => w.IsAlive) ? ReadinessState.NotReady("A media worker has died.")
        : _draining ? ReadinessState.NotReady("The media node is leaving.")
        : !_registered ? ReadinessState.NotReady("The cluster does not know this media node yet.")
        : ReadinessState.Ready;

    /// <summary>The next heartbeat is due now.</summary>
    public void BeatNow() => _asked.TrySetResult();

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before anything stops: no new rooms, and those that are here move.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _draining = true;
        if (!_registered)
        {
            return;
        }

        try
        {
            var since = time.GetTimestamp();
            var fleet = cluster.GetGrain<IMediaFleetGrain>(MediaFleet.Key);
            var moving = await fleet.DrainAsync(identity.Id).WaitAsync(LeaveTimeout, time, cancellationToken).ConfigureAwait(false);

            // A fleet that has just come to another silo may not have heard of the other nodes yet, nor of our rooms.
            while (moving == 0 && Transports() > 0 && time.GetElapsedTime(since) < OthersHeardWithin)
            {
                await Task.Delay(LookEvery, time, cancellationToken).ConfigureAwait(false);
                await fleet.StateRoomsAsync(identity.Id, control.RoomNames).WaitAsync(LeaveTimeout, time, cancellationToken).ConfigureAwait(false);
                moving = await fleet.DrainAsync(identity.Id).WaitAsync(LeaveTimeout, time, cancellationToken).ConfigureAwait(false);
            }

            while (moving > 0 && Transports() > 0 && time.GetElapsedTime(since) < options.Value.DrainTimeout)
            {
                await Task.Delay(LookEvery, time, cancellationToken).ConfigureAwait(false);
            }

            LogDrained(logger, moving, time.GetElapsedTime(since).TotalSeconds, Transports());
        }
        catch (Exception e)
        {
            LogLeaveFailed(logger, e.GetType().Name);
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _draining = true;
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        if (!_registered)
        {
            return;
        }

        try
        {
            await cluster.GetGrain<IMediaFleetGrain>(MediaFleet.Key).LeaveAsync(identity.Id)
                .WaitAsync(LeaveTimeout, time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The fleet notices within three seconds all the same.
            LogLeaveFailed(logger, e.GetType().Name);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        IMediaNode? reference = null;
        var lookedAt = time.GetTimestamp();
        using var timer = new PeriodicTimer(MediaFleet.HeartbeatEvery, time);
        var tick = timer.WaitForNextTickAsync(stoppingToken).AsTask();
        control.FleetMoves += BeatNow;
        while (!stoppingToken.IsCancellationRequested)
        {
            // What is asked for from now on wants one more.
            var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _asked = asked;
            try
            {
                // The engine holds the object weakly; this service holds it for the process's life.
                reference ??= cluster.CreateObjectReference<IMediaNode>(control);
                var fleet = cluster.GetGrain<IMediaFleetGrain>(MediaFleet.Key);
                if (await fleet.HeartbeatAsync(Heartbeat(), reference).WaitAsync(MediaFleet.LostAfter, time, stoppingToken).ConfigureAwait(false))
                {
                    await fleet.StateRoomsAsync(identity.Id, control.RoomNames).WaitAsync(MediaFleet.LostAfter, time, stoppingToken).ConfigureAwait(false);
                }

                Succeeded();
                if (time.GetElapsedTime(lookedAt) >= RoomIdle)
                {
                    lookedAt = time.GetTimestamp();
                    await control.CloseIdleAsync(RoomIdle).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                if (!_failing)
                {
                    _failing = true;
                    LogFailing(logger, e.GetType().Name, e.Message);
                }
            }

            if (await Task.WhenAny(tick, asked.Task).ConfigureAwait(false) == tick)
            {
                await tick.ConfigureAwait(false);
                tick = timer.WaitForNextTickAsync(stoppingToken).AsTask();
            }
        }
    }

    private void Succeeded()
    {
        if (!_registered || _failing)
        {
            LogRegistered(logger, identity.Id.Name);
        }

        _registered = true;
        _failing = false;
    }

    private int Transports() => runtime.Workers.Sum(w => w.Worker.Stats.Transports);

    private MediaNodeHeartbeat Heartbeat()
    {
        var settings = options.Value;
        var url = settings.ControlUrlOrDefault();
        return new MediaNodeHeartbeat(
            identity.Id,
            url,
            control.RoomCount,
            runtime.Workers.Sum(w => w.Worker.Stats.Consumers),
            settings.MaxConsumersPerNode,
            runtime.Workers.Max(w => w.BusyRatio),
            _draining,
            runtime.RelayEndPoint is { } relay ? new RelayEndPoint(relay.Address.ToString(), relay.Port) : null,
            runtime.Workers.All(w => !w.IsAlive || w.Worker.IsFull));
    }

    [LoggerMessage(2030, LogLevel.Information, "Media node {Name} is known to the cluster")]
    private static partial void LogRegistered(ILogger logger, string name);

    [LoggerMessage(2031, LogLevel.Warning, "The cluster does not take heartbeats ({Error}: {Message}); media goes on, and each second they are tried again")]
    private static partial void LogFailing(ILogger logger, string error, string message);

    [LoggerMessage(2033, LogLevel.Information, "{Rooms} rooms went to other media nodes in {Seconds:F1} s; {Transports} transports are left and end now")]
    private static partial void LogDrained(ILogger logger, int rooms, double seconds, int transports);

    [LoggerMessage(2032, LogLevel.Information, "The cluster could not be told that this node leaves ({Error})")]
    private static partial void LogLeaveFailed(ILogger logger, string error);
}
