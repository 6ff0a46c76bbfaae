using Microsoft.Extensions.Hosting;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;

namespace VoiceCluster.Bench.Engine.Processes;

/// <summary>A media node of the fleet that has no media: it answers each command at once. Its heartbeats are those of a real one.</summary>
internal sealed class InstantMediaNode(IGrainFactory factory) : BackgroundService, IMediaNode
{
    private const string Capabilities = """{"codecs":[{"kind":"audio","mimeType":"audio/opus","clockRate":48000,"channels":2}]}""";

    /// <inheritdoc/>
    public Task<Outcome<MediaReply>> ExecuteAsync(RoomCommandHeader header, MediaCommand command) =>
        Task.FromResult<Outcome<MediaReply>>(command is OpenRoom ? new RoomOpened(Capabilities) : new MediaDone());

    /// <inheritdoc/>
    public Task<Outcome<RoomAdopted>> AdoptAsync(RoomCommandHeader header, string[] participantIds) =>
        Task.FromResult<Outcome<RoomAdopted>>(new RoomAdopted(Capabilities, [], [], []));

    /// <inheritdoc/>
    public Task<Outcome<RoomReconciled>> ReconcileAsync(RoomCommandHeader header, DesiredRoom desired) =>
        Task.FromResult<Outcome<RoomReconciled>>(new RoomReconciled(Capabilities, [], [], []));

    /// <inheritdoc/>
    public Task FleetMovesAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var id = new MediaNodeId($"instant-{Environment.ProcessId}", Guid.NewGuid());
        var self = factory.CreateObjectReference<IMediaNode>(this);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await factory.GetGrain<IMediaFleetGrain>(MediaFleet.Key).HeartbeatAsync(
                    new MediaNodeHeartbeat(id, "http://127.0.0.1:1", Rooms: 0, Consumers: 0, MaxConsumers: 100_000, CpuLoad: 0, Draining: false), self);
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                // The cluster is about to end, or its silos are still meeting; the next heartbeat comes in a second.
            }

            await Task.Delay(MediaFleet.HeartbeatEvery, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
