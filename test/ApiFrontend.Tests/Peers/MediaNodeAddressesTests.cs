using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.ApiFrontend.Doors.Peers.Calls;
using VoiceCluster.ApiFrontend.Tests.Auth;
using VoiceCluster.ApiFrontend.Tests.Voice;

namespace VoiceCluster.ApiFrontend.Tests.Peers;

/// <summary>Where the files of a node are that has been started anew.</summary>
public sealed class MediaNodeAddressesTests(PeersApp app) : IClassFixture<PeersApp>
{
    private static readonly Guid Recording = Guid.NewGuid();

    [Fact]
    public async Task UrlOf_ANodeThatCameBackElsewhere_IsTheNewOne_AndOfAGoneOneTheReported()
    {
        var name = $"node-{Guid.NewGuid():N}";
        RecordingFile file = new(
            "mix.ogg", RecordingFileKind.Mix, null, null, null, "audio/ogg", 1, TimeSpan.Zero, DateTimeOffset.UtcNow, true, name, "http://192.0.2.1:1/recordings/old/mix.ogg");
        StoppedTime time = new();
        MediaNodeAddresses addresses = new(app.Grains, time);
        Assert.Equal(file.Url, await addresses.UrlOfAsync(Recording, file));

        var first = await BeatAsync(name, "http://192.0.2.2:8089/");
        Assert.Equal(file.Url, await addresses.UrlOfAsync(Recording, file));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal($"http://192.0.2.2:8089/recordings/{Recording:N}/mix.ogg", await addresses.UrlOfAsync(Recording, file));

        // Under its name at another address: after the second that an answer is kept.
        await Fleet.LeaveAsync(first);
        var second = await BeatAsync(name, "http://192.0.2.3:8089");
        Assert.StartsWith("http://192.0.2.2:8089/", await addresses.UrlOfAsync(Recording, file), StringComparison.Ordinal);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal($"http://192.0.2.3:8089/recordings/{Recording:N}/mix.ogg", await addresses.UrlOfAsync(Recording, file));

        await Fleet.LeaveAsync(second);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(file.Url, await addresses.UrlOfAsync(Recording, file));
    }

    private IMediaFleetGrain Fleet => app.Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key);

    private async Task<MediaNodeId> BeatAsync(string name, string url)
    {
        MediaNodeId id = new(name, Guid.NewGuid());
        await Fleet.HeartbeatAsync(
            new MediaNodeHeartbeat(id, url, 0, 0, 0, 0, Draining: true), app.Grains.CreateObjectReference<IMediaNode>(new AnsweringMediaNode()));
        return id;
    }
}
