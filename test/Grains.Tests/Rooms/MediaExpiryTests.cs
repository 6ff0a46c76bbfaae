using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Tests.Calls;
using VoiceCluster.Grains.Tests.Media;

namespace VoiceCluster.Grains.Tests.Rooms;

/// <summary>Participants bound to their media, on a clock that the test moves.</summary>
public sealed class MediaExpiryTests
{
    [Fact]
    public async Task NoMediaEver_EndsTheParticipantAfter30Seconds_AndOnlyIt()
    {
        await using var cluster = await CallCluster.StartAsync();
        var fleet = cluster.Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key);
        var id = new MediaNodeId("node", Guid.NewGuid());
        var node = new InMemoryMediaNode();
        var reference = cluster.Grains.CreateObjectReference<IMediaNode>(node);
        RecordingObserver[] observers = [new(), new(), new()];
        string[] names = ["unbound", "silent", "talking"];
        var room = cluster.Grains.GetGrain<IRoomGrain>("expiry");
        await SecondAsync();
        for (var i = 0; i < names.Length; i++)
        {
            var request = new JoinRoom(names[i], Guid.NewGuid(), names[i], names[i], "test", EndsWithMedia: i > 0);
            Assert.Null((await room.JoinAsync(request, cluster.Grains.CreateObjectReference<IRoomObserver>(observers[i]))).Fault);
        }

        // One has a transport that ICE never reaches, the other one that it does.
        await room.CreateTransportAsync("silent");
        var transport = (await room.CreateTransportAsync("talking")).Value!.TransportId;
        await room.ReportAsync(new MediaReport(id, 0, null, [new TransportStateChange(transport, MediaTransportState.Connected)]));
        for (var i = 0; i < 29; i++)
        {
            await SecondAsync();
        }

        Assert.Equal(names, await PresentAsync());
        await Eventually.HoldsAsync(
            async () =>
            {
                await SecondAsync();
                return !(await PresentAsync()).Contains("silent");
            },
            "the silent one's end");

        Assert.Equal(["unbound", "talking"], await PresentAsync());
        await Eventually.HoldsAsync(() => observers[1].Events.OfType<Evicted>().Any(e => e.Reason == LeaveReason.MediaLost), "the word to its door");
        GC.KeepAlive(node);

        async Task SecondAsync()
        {
            cluster.Time.Advance(TimeSpan.FromSeconds(1));
            await fleet.HeartbeatAsync(new MediaNodeHeartbeat(id, "http://127.0.0.1:8089", 0, 0, 1_000, 0, false), reference);
            foreach (var (i, name) in names.Index())
            {
                await room.RenewAsync(name, cluster.Grains.CreateObjectReference<IRoomObserver>(observers[i]));
            }
        }

        async Task<string[]> PresentAsync() => [.. (await room.GetSnapshotAsync()).Participants.Select(p => p.ParticipantId)];
    }
}
