using System.Text;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Doors.Channels;

namespace VoiceCluster.ApiFrontend.Tests.Channels;

public sealed class ChannelViewTests
{
    private static readonly Guid Bob = Guid.NewGuid();

    [Fact]
    public void MediaMoved_OfOneNodeOfSeveral_StopsOnlyTheVoicesThatWereThere()
    {
        ChannelView view = new(Guid.NewGuid(), "self");
        view.Reset(new RoomSnapshot("r", [User("self", Guid.NewGuid()), User("b", Bob), User("c", Guid.NewGuid())], [Voice("self"), Voice("b"), Voice("c")], "node", [], null));

        List<byte[]> told = [];
        view.Apply(new MediaMoved(1, "{}", ["self", "b"], [Voice("c")]), told, []);

        Assert.Equal(["voice-c"], view.OtherVoices);
        Assert.Equal(2, told.Count);
        Assert.All(told, m => Assert.Contains("AudioStopped", Encoding.UTF8.GetString(m), StringComparison.Ordinal));
        Assert.Contains(told, m => Encoding.UTF8.GetString(m).Contains(Bob.ToString(), StringComparison.Ordinal));
    }

    private static ParticipantInfo User(string id, Guid user) => new(id, user, id, id, "channels", false, false);

    private static ProducerInfo Voice(string participant) => new($"voice-{participant}", participant, MediaKind.Audio, Paused: false);
}
