using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Grains.CallSessions;

namespace VoiceCluster.Grains.Tests.CallSessions;

public sealed class CallSessionRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly ChatUser Host = new(Guid.NewGuid(), "host");
    private static readonly ChatUser Mod = new(Guid.NewGuid(), "mod");
    private static readonly ChatUser Ann = new(Guid.NewGuid(), "ann");

    [Theory]
    [InlineData(0, false, 0, 0, null)]
    [InlineData(1, true, 0, 0, 250_000L)]
    [InlineData(11, true, 0, 0, 550_000L)]
    [InlineData(13, true, 0, 1, 650_000L)]
    [InlineData(34, true, 0, 2, 1_700_000L)]
    [InlineData(36, true, 1, 0, 1_800_000L)]
    [InlineData(66, true, 1, 2, 3_300_000L)]
    [InlineData(68, true, 2, 0, 3_400_000L)]
    [InlineData(85, true, 2, 1, 4_250_000L)]
    [InlineData(90, true, 2, 2, 4_500_000L)]
    [InlineData(100, true, 2, 2, null)]
    public void Quality_OfAParticipant_ChoosesLayersAndBitrate(int quality, bool hasVideo, int spatial, int temporal, long? bitrate) =>
        Assert.Equal(new ReceiveQuality(hasVideo, spatial, temporal, bitrate), ReceiveQuality.Of(quality));

    [Fact]
    public void Quality_GrowingByOne_NeverLosesALayer()
    {
        var layers = Enumerable.Range(0, 101).Select(q => ReceiveQuality.Of(q)).Select(q => q.HasVideo ? 1 + (q.SpatialLayer * 3) + q.TemporalLayer : 0).ToArray();
        Assert.Equal(layers.Order(), layers);
        Assert.Equal(10, layers.Distinct().Count());
    }

    [Theory]
    [InlineData(100, 1, null, 1, 2)]
    [InlineData(100, 2, 1, 2, 1)]
    [InlineData(50, 2, 2, 1, 1)]
    [InlineData(50, 1, 0, 1, 0)]
    [InlineData(50, 0, 2, 0, 2)]
    public void Quality_AndAClientsOwnWish_GiveTheLowerLayers(int quality, int spatial, int? temporal, int expectedSpatial, int expectedTemporal) =>
        Assert.Equal((expectedSpatial, expectedTemporal), ReceiveQuality.Of(quality).Limit(spatial, temporal));

    [Fact]
    public void Roles_OfHigherRank_ActOnLowerOnesAlone()
    {
        var session = Three();
        Assert.Null(CallSession.SetMuted(session, Host.UserId, Mod.UserId, true).Fault);
        Assert.Null(CallSession.SetMuted(session, Mod.UserId, Ann.UserId, true).Fault);
        Assert.Null(CallSession.SetMuted(session, Ann.UserId, Ann.UserId, true).Fault);
        Assert.Equal(FaultCode.Forbidden, CallSession.SetMuted(session, Mod.UserId, Host.UserId, true).Fault?.Code);
        Assert.Equal(FaultCode.Forbidden, CallSession.SetMuted(session, Ann.UserId, Mod.UserId, true).Fault?.Code);
        Assert.Equal(FaultCode.Forbidden, CallSession.Kick(session, Mod.UserId, Host.UserId).Fault?.Code);
        Assert.Equal(FaultCode.Invalid, CallSession.Kick(session, Mod.UserId, Mod.UserId).Fault?.Code);
        Assert.Equal(FaultCode.Forbidden, CallSession.SetRole(session, Mod.UserId, Ann.UserId, CallRole.Moderator).Fault?.Code);
        Assert.Equal(FaultCode.Forbidden, CallSession.CheckRecorder(session, Ann.UserId)?.Code);
        Assert.Null(CallSession.CheckRecorder(session, Mod.UserId));
    }

    [Fact]
    public void Kick_OfAParticipant_IsForGood()
    {
        var kicked = CallSession.Kick(Three(), Mod.UserId, Ann.UserId).Value!;
        Assert.Null(kicked.Find(Ann.UserId));
        Assert.Equal(FaultCode.Forbidden, CallSession.Join(kicked, Ann, Now, 10).Fault?.Code);
    }

    [Fact]
    public void Host_WhoLeavesOrGivesTheRole_IsFollowedByExactlyOne()
    {
        var left = CallSession.Leave(Three(), Host.UserId, Now).Value!;
        Assert.Equal(CallRole.Host, left.Find(Mod.UserId)!.Role);
        var given = CallSession.SetRole(Three(), Host.UserId, Ann.UserId, CallRole.Host).Value!;
        Assert.Equal([CallRole.Moderator, CallRole.Moderator, CallRole.Host], given.Participants.Select(p => p.Role));
    }

    [Fact]
    public void Session_WithoutParticipantsOrPastItsTime_IsOver()
    {
        var empty = CallSession.Leave(New(), Host.UserId, Now).Value!;
        Assert.Equal(CallSessionEnd.Empty, empty.EndReason);
        Assert.Equal(FaultCode.Gone, CallSession.Join(empty, Ann, Now, 10).Fault?.Code);
        Assert.Equal(CallSessionEnd.Expired, CallSession.At(New(), Now.AddHours(1)).EndReason);
        Assert.False(CallSession.At(New(), Now.AddMinutes(59)).IsOver);
        Assert.Equal(FaultCode.Full, CallSession.Join(Three(), new ChatUser(Guid.NewGuid(), "late"), Now, 3).Fault?.Code);
    }

    [Theory]
    [InlineData(-1, 3_600)]
    [InlineData(101, 3_600)]
    [InlineData(50, 0)]
    [InlineData(50, 360_000)]
    public void Create_OutOfBounds_IsRefused(int quality, int seconds) => Assert.Equal(
        FaultCode.Invalid,
        CallSession.Create(Guid.NewGuid(), new NewCallSession(Host, CallSessionType.Audio, quality, TimeSpan.FromSeconds(seconds)), Now, TimeSpan.FromHours(24)).Fault?.Code);

    private static CallSessionInfo New() =>
        CallSession.Create(Guid.NewGuid(), new NewCallSession(Host, CallSessionType.Video, 100, TimeSpan.FromHours(1)), Now, TimeSpan.FromHours(24)).Value!;

    private static CallSessionInfo Three()
    {
        var session = CallSession.Join(New(), Mod, Now, 10).Value!;
        session = CallSession.SetRole(session, Host.UserId, Mod.UserId, CallRole.Moderator).Value!;
        return CallSession.Join(session, Ann, Now.AddSeconds(1), 10).Value!;
    }
}
