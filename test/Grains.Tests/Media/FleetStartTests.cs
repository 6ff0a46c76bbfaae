using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;
using VoiceCluster.Abstractions.Media;

namespace VoiceCluster.Grains.Tests.Media;

/// <summary>A fleet that has just been activated, as after the loss of its silo.</summary>
public sealed class FleetStartTests
{
    [Fact]
    public async Task Place_BeforeTheRoomsOwnNodeWasHeard_WaitsForItInsteadOfMoving()
    {
        var builder = new TestClusterBuilder(1);
        builder.AddSiloBuilderConfigurator<SiloConfiguration>();
        await using var cluster = builder.Build();
        await cluster.DeployAsync();
        var fleet = cluster.GrainFactory.GetGrain<IMediaFleetGrain>(MediaFleet.Key);
        var own = new MediaNodeId("own", Guid.NewGuid());
        var other = new InMemoryMediaNode();
        var node = new InMemoryMediaNode();
        await fleet.HeartbeatAsync(Heartbeat(new MediaNodeId("other", Guid.NewGuid())), cluster.GrainFactory.CreateObjectReference<IMediaNode>(other));

        var placing = fleet.PlaceAsync("room", own);
        await fleet.HeartbeatAsync(Heartbeat(own), cluster.GrainFactory.CreateObjectReference<IMediaNode>(node));

        Assert.Equal(own, (await placing).Value?.NodeId);
        GC.KeepAlive(other);
        GC.KeepAlive(node);
    }

    private static MediaNodeHeartbeat Heartbeat(MediaNodeId id) => new(id, "http://127.0.0.1:8089", 0, 0, 1_000, 0, false);

    private sealed class SiloConfiguration : ISiloConfigurator
    {
        public void Configure(ISiloBuilder siloBuilder)
        {
            siloBuilder.AddMemoryGrainStorage(GrainStores.Rooms);
            siloBuilder.Services.AddSingleton(TimeProvider.System);
        }
    }
}
