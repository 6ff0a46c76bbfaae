using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Tests.Media;
using VoiceCluster.Grains.Tests.Rooms;

namespace VoiceCluster.Grains.Tests.CallSessions;

/// <summary>The bitrate of a participant's quality at the media nodes of the session's room.</summary>
public sealed class CallSessionQualityTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private readonly ChatUser _host = new(Guid.NewGuid(), "host");
    private readonly RecordingObserver _observer = new();
    private readonly Guid _id = Guid.NewGuid();

    private ICallSessionGrain Session => cluster.Grains.GetGrain<ICallSessionGrain>(_id);

    private IRoomGrain Room => cluster.Grains.GetGrain<IRoomGrain>(CallSessionInfo.RoomOf(_id));

    [Fact]
    public async Task Quality_OfAParticipant_HoldsOnAllItsTransports_AndAfterAReconciliation()
    {
        var first = await JoinAsync(quality: 100);
        Assert.Null(LimitOf("first", first));
        await SetAsync(25);
        var second = (await Room.CreateTransportAsync("p")).Value!.TransportId;
        Assert.Equal((1_250_000, 1_250_000), (LimitOf("first", first), LimitOf("first", second)));

        // The command is lost, and what the node should have is said again before the next.
        cluster.Node("first").DropsCommands = true;
        await SetAsync(50);
        cluster.Node("first").DropsCommands = false;
        await Room.CreateTransportAsync("p");
        await Eventually.HoldsAsync(() => LimitOf("first", first) == 2_500_000 && LimitOf("first", second) == 2_500_000, "the limit of the last quality");

        await SetAsync(100);
        Assert.Equal((null, null), (LimitOf("first", first), LimitOf("first", second)));
    }

    [Fact]
    public async Task Quality_OfASession_IsThatOfWhoJoins_AndOutlivesTheRoomsActivation()
    {
        var first = await JoinAsync(quality: 60);
        Assert.Equal(3_000_000, LimitOf("first", first));
        await SetAsync(10);
        var commands = cluster.Node("first").CommandsSoFar().Length;
        await cluster.CollectAsync();

        // The next activation knows it by itself: nothing is said again, and what is new has it.
        var second = (await Room.CreateTransportAsync("p")).Value!.TransportId;
        Assert.Equal((500_000, 500_000), (LimitOf("first", first), LimitOf("first", second)));
        Assert.DoesNotContain(cluster.Node("first").CommandsSoFar().Skip(commands), c => c is SetMaxVideoBitrate);
    }

    [Fact]
    public async Task Quality_OfARoomThatMoves_HoldsAtTheOtherNode()
    {
        await JoinAsync(quality: 100);
        await SetAsync(40);
        cluster.StartNode("second");
        await cluster.FleetSettlesAsync();
        cluster.KillNode("first");
        await Eventually.HoldsAsync(() => _observer.Events.OfType<MediaMoved>().Any(), "media-moved");

        var anew = (await Room.CreateTransportAsync("p")).Value!.TransportId;
        Assert.Equal(2_000_000, LimitOf("second", anew));
        await SetAsync(1);
        Assert.Equal(250_000, LimitOf("second", anew));

        // The others of this class find the node that they know.
        cluster.StartNode("first");
        cluster.KillNode("second");
        await cluster.FleetSettlesAsync();
    }

    private async Task<string> JoinAsync(int quality)
    {
        Assert.Null((await Session.CreateAsync(new NewCallSession(_host, CallSessionType.Video, quality, TimeSpan.FromHours(1)))).Fault);
        var joined = await Room.JoinAsync(new JoinRoom("p", _host.UserId, "host", "host", "peers"), cluster.Grains.CreateObjectReference<IRoomObserver>(_observer));
        Assert.Null(joined.Fault);
        return (await Room.CreateTransportAsync("p")).Value!.TransportId;
    }

    private async Task SetAsync(int quality) => Assert.Null((await Session.SetQualityAsync(_host.UserId, _host.UserId, quality)).Fault);

    private long? LimitOf(string node, string transport) =>
        cluster.Node(node).Find(CallSessionInfo.RoomOf(_id))!.VideoLimits[transport];
}
