using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.Grains.VoiceSessions;

namespace VoiceCluster.Grains.Tests.VoiceSessions;

public sealed class VoiceChannelViewTests
{
    private static readonly Guid Channel = Guid.NewGuid();
    private readonly VoiceChannelView _view = new(Channel, "me");
    private readonly List<VoiceNotice> _notices = [];

    public VoiceChannelViewTests() => _view.Reset(new RoomSnapshot("room", [Person("me"), Person("bob")], [], null, ["bob"]));

    [Fact]
    public void Reset_KnowsEverybodyAndWhoSpeaks()
    {
        Assert.Equal(["me", "bob"], _view.Participants.Select(p => p.ParticipantId));
        Assert.Equal(["bob"], _view.Speaking);
        Assert.Equal("me", _view.Own?.ParticipantId);
    }

    [Fact]
    public void TryApply_ComingAndGoing_BecomesNotices()
    {
        Assert.True(_view.TryApply(
            [
                new ParticipantJoined(7, Person("eve")),
                new ParticipantUpdated(8, Person("eve") with { Muted = true }),
                new ParticipantLeft(9, "eve", LeaveReason.MediaLost),
            ],
            _notices));

        Assert.Equal(
            [(VoiceChange.Created, false, null), (VoiceChange.Updated, true, null), (VoiceChange.Ended, true, LeaveReason.MediaLost)],
            _notices.Cast<VoiceChangedNotice>().Select(n => (n.Change, n.Participant.Muted, n.Reason)));
        Assert.Equal(2, _view.Participants.Length);
    }

    [Fact]
    public void TryApply_Speaking_IsToldOnceEachWay()
    {
        Assert.True(_view.TryApply([new SpeakingChanged(1, ["me", "bob"], []), new SpeakersChanged(2, [new Speaker("me", -31)])], _notices));
        Assert.True(_view.TryApply([new SpeakingChanged(3, [], ["bob", "me"]), new SpeakingChanged(4, [], ["bob"])], _notices));

        Assert.Equal(
            [(true, "me"), (false, "bob"), (false, "me")],
            _notices.Cast<VoiceSpeakingNotice>().Select(n => (n.IsSpeaking, n.Participant.ParticipantId)));
        Assert.Equal(-31, _view.LevelOf("me"));
        Assert.Empty(_view.Speaking);
    }

    [Fact]
    public void TryApply_WithAGap_AsksForTheRoom()
    {
        Assert.True(_view.TryApply([new ParticipantJoined(1, Person("eve"))], _notices));

        Assert.False(_view.TryApply([new ParticipantLeft(3, "eve", LeaveReason.Left)], _notices));
    }

    private static ParticipantInfo Person(string id) => new(id, Guid.NewGuid(), id, id, "voice", false, false);
}
