using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Peers;

namespace VoiceCluster.Grains.Tests.Peers;

public sealed class PeerRoomViewTests
{
    [Fact]
    public void MediaMoved_OfOneNodeOfSeveral_LeavesWhatIsOnTheOthers()
    {
        PeerRoomView view = new("self");
        view.Reset(new RoomSnapshot("r", [], [Voice("a"), Voice("b")], "node", [], null));

        Assert.True(view.TryApply([new MediaMoved(1, "{}", ["self", "a"], [Voice("b")])], []));
        Assert.Equal(["voice-b"], view.OthersProducers.Select(p => p.ProducerId));
        Assert.True(view.TryApply([new MediaMoved(2, "{}")], []));
        Assert.Empty(view.OthersProducers);
    }

    private static ProducerInfo Voice(string participant) => new($"voice-{participant}", participant, MediaKind.Audio, Paused: false);
}
