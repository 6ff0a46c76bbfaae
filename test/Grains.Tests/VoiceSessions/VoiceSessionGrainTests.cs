using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.Grains.Tests.Rooms;

namespace VoiceCluster.Grains.Tests.VoiceSessions;

public sealed class VoiceSessionGrainTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private readonly Guid _channel = Guid.NewGuid();
    private readonly Guid _owner = Guid.NewGuid();

    private IRoomGrain Room => cluster.Grains.GetGrain<IRoomGrain>(ChannelInfo.RoomOf(_channel));

    private IChannelGrain Channel => cluster.Grains.GetGrain<IChannelGrain>(_channel);

    [Fact]
    public async Task Join_AChannel_IsAParticipantOfItsRoomWithATransport()
    {
        await CreateChannelAsync();
        var alice = Guid.NewGuid();

        var joined = await JoinAsync(alice, muted: true);

        var session = joined.Value!.Session;
        Assert.Equal((alice, _channel, true, false), (session.UserId, session.ChannelId, session.Muted, session.Deafened));
        var participant = (await Room.GetSnapshotAsync()).Participants.Single();
        Assert.Equal((session.Id.ToString(), alice, "voice", true), (participant.ParticipantId, participant.UserId, participant.Door, participant.Muted));
        Assert.Contains(session.Id.ToString(), Hosted.Transports.Values);
        Assert.Equal(session, await User(alice).FindSessionAsync());
    }

    [Fact]
    public async Task Join_AnUnknownChannel_IsNotFoundAndKeepsTheOldSession()
    {
        await CreateChannelAsync();
        var alice = Guid.NewGuid();
        var session = (await JoinAsync(alice)).Value!.Session;

        var lost = await User(alice).JoinAsync(Request(alice, Guid.NewGuid()));

        Assert.Equal(FaultCode.NotFound, lost.Fault?.Code);
        Assert.Equal(session, await User(alice).FindSessionAsync());
    }

    [Fact]
    public async Task Join_AFullChannelOrAsABannedUser_IsRefused()
    {
        await CreateChannelAsync(maxUsers: 1);
        var (alice, bob) = (Guid.NewGuid(), Guid.NewGuid());
        await JoinAsync(alice);

        Assert.Equal(FaultCode.Full, (await JoinAsync(bob)).Fault?.Code);
        await Channel.BanAsync(bob);
        Assert.Equal(FaultCode.Forbidden, (await JoinAsync(bob)).Fault?.Code);
    }

    [Fact]
    public async Task Join_Again_MovesTheSession()
    {
        await CreateChannelAsync(maxUsers: 1);
        var alice = Guid.NewGuid();
        var seen = await SubscribeAsync(alice);
        var first = (await JoinAsync(alice)).Value!.Session;

        var second = (await JoinAsync(alice)).Value!.Session;

        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal(second.Id.ToString(), (await Room.GetSnapshotAsync()).Participants.Single().ParticipantId);
        Assert.Equal(FaultCode.NotFound, (await Session(first.Id).GetAsync(alice)).Fault?.Code);
        await Eventually.HoldsAsync(
            () => seen.Notices.OfType<VoiceChangedNotice>().Any(n => n is { Change: VoiceChange.Ended, Reason: LeaveReason.Moved }),
            "the old session's end is told");
    }

    [Fact]
    public async Task Requests_OfAnotherUser_FindNoSession()
    {
        await CreateChannelAsync();
        var (alice, mallory) = (Guid.NewGuid(), Guid.NewGuid());
        var session = Session((await JoinAsync(alice)).Value!.Session.Id);

        FaultCode?[] answers =
        [
            (await session.GetAsync(mallory)).Fault?.Code,
            (await session.GetChannelAsync(mallory)).Fault?.Code,
            (await session.SetStateAsync(mallory, true, null)).Fault?.Code,
            (await session.NegotiateAsync(mallory, Offer(Both("0")))).Fault?.Code,
            (await session.LeaveAsync(mallory)).Fault?.Code,
        ];

        Assert.All(answers, a => Assert.Equal(FaultCode.NotFound, a));
        Assert.False((await session.GetAsync(alice)).Value!.Muted);
    }

    [Fact]
    public async Task SetState_OfASession_IsEnforcedAndToldToTheChannel()
    {
        await CreateChannelAsync();
        var (alice, bob) = (Guid.NewGuid(), Guid.NewGuid());
        var session = Session((await JoinAsync(alice)).Value!.Session.Id);
        await session.NegotiateAsync(alice, Offer(Both("0")));
        await JoinAsync(bob);
        var seen = await SubscribeAsync(bob);

        var state = (await session.SetStateAsync(alice, mute: true, deaf: null)).Value!;

        Assert.Equal((true, false), (state.Muted, state.Deafened));
        Assert.True(Hosted.Producers.Values.Single().Paused);
        await Eventually.HoldsAsync(
            () => seen.Notices.OfType<VoiceChangedNotice>().Any(n => n is { Change: VoiceChange.Updated, Participant.Muted: true }), "the others are told");
        state = (await session.SetStateAsync(alice, mute: false, deaf: true)).Value!;
        Assert.Equal((false, true), (state.Muted, state.Deafened));
        Assert.False(Hosted.Producers.Values.Single().Paused);
        Assert.All(Hosted.Consumers.Values, c => Assert.True(c.Paused));
    }

    [Fact]
    public async Task Negotiate_OneSection_SpeaksAndHearsTheMix()
    {
        var (alice, session) = await JoinedAsync();

        var answered = (await session.NegotiateAsync(alice, Offer(Both("0")))).Value!;

        var section = answered.Sections.Single();
        Assert.Equal(("0", true, ConsumerSource.Mix, "receive 0+ssrc"), (section.Mid, section.IsReceived, section.Source, section.SentJson));
        Assert.Single(Hosted.Producers);
        Assert.Equal([ConsumerSource.Mix], Hosted.Consumers.Values.Select(c => c.Source));
        Assert.Contains(cluster.Node("first").CommandsSoFar().OfType<ConnectWebRtcTransport>(), c => c.DtlsParametersJson == "certificate");
    }

    [Fact]
    public async Task Negotiate_TheSameOfferAgain_MakesNothingNew()
    {
        var (alice, session) = await JoinedAsync();
        var first = (await session.NegotiateAsync(alice, Offer(Both("0")))).Value!;
        string[] before = [.. Hosted.Producers.Keys, .. Hosted.Consumers.Keys, .. Hosted.Transports.Keys];

        var second = (await session.NegotiateAsync(alice, Offer(Both("0")))).Value!;

        Assert.Equal(before, (string[])[.. Hosted.Producers.Keys, .. Hosted.Consumers.Keys, .. Hosted.Transports.Keys]);
        Assert.Equal(first.Sections, second.Sections);
        Assert.Equal(first.Version + 1, second.Version);
    }

    [Fact]
    public async Task Negotiate_MoreSections_TurnsTheMixIntoSlotsAndBack()
    {
        var (alice, session) = await JoinedAsync();
        await session.NegotiateAsync(alice, Offer(Both("0")));
        var producer = Hosted.Producers.Keys.Single();

        var slots = (await session.NegotiateAsync(alice, Offer(Both("0"), Receive("1"), Receive("2")))).Value!;

        Assert.Equal([null, ConsumerSource.Loudest, ConsumerSource.Loudest], slots.Sections.Select(s => s.Source));
        Assert.Equal([ConsumerSource.Loudest, ConsumerSource.Loudest], Hosted.Consumers.Values.Select(c => c.Source));
        Assert.Equal(producer, Hosted.Producers.Keys.Single());

        // Removed again: the client stopped the transceivers.
        var mix = (await session.NegotiateAsync(alice, Offer(Both("0")))).Value!;
        Assert.Equal([ConsumerSource.Mix], mix.Sections.Select(s => s.Source));
        Assert.Equal([ConsumerSource.Mix], Hosted.Consumers.Values.Select(c => c.Source));
    }

    [Fact]
    public async Task Negotiate_IceRestart_KeepsTheTransport()
    {
        var (alice, session) = await JoinedAsync();
        await session.NegotiateAsync(alice, Offer(Both("0")));
        var transport = Hosted.Transports.Keys.Single();

        var answered = (await session.NegotiateAsync(alice, Offer(Both("0")) with { IceUsernameFragment = "other" })).Value!;

        Assert.Equal("{}", answered.IceParametersJson);
        Assert.Equal(transport, Hosted.Transports.Keys.Single());
        Assert.Single(Hosted.Producers);
    }

    [Fact]
    public async Task Negotiate_ANewConnection_ReplacesTransportAndVoice()
    {
        var (alice, session) = await JoinedAsync();
        await session.NegotiateAsync(alice, Offer(Both("0")));
        var transport = Hosted.Transports.Keys.Single();

        var answered = await session.NegotiateAsync(alice, Offer(Both("0")) with { DtlsParametersJson = "another certificate" });

        Assert.Null(answered.Fault);
        Assert.NotEqual(transport, Hosted.Transports.Keys.Single());
        Assert.Single(Hosted.Producers);
        Assert.Single(Hosted.Consumers);
    }

    [Fact]
    public async Task Negotiate_AfterTheNodeClosedTheTransport_MakesAnother()
    {
        var (alice, session) = await JoinedAsync();
        await session.NegotiateAsync(alice, Offer(Both("0")));
        await ReportClosedAsync(Hosted.Transports.Keys.Single(), wasSilent: false);

        var answered = await session.NegotiateAsync(alice, Offer(Both("0")) with { IceUsernameFragment = "other" });

        Assert.Null(answered.Fault);
        Assert.True(answered.Value!.Sections.Single().IsReceived);
    }

    [Fact]
    public async Task Media_SilentForTooLong_EndsTheSession()
    {
        var (alice, session) = await JoinedAsync();
        var seen = await SubscribeAsync(alice);
        await session.NegotiateAsync(alice, Offer(Both("0")));

        await ReportClosedAsync(Hosted.Transports.Keys.Single(), wasSilent: true);

        await EndsAsync(session, alice);
        await Eventually.HoldsAsync(
            () => seen.Notices.OfType<VoiceChangedNotice>().Any(n => n is { Change: VoiceChange.Ended, Reason: LeaveReason.MediaLost }), "the end is told");
    }

    [Fact]
    public async Task Channel_Deleted_EndsItsSessions()
    {
        var (alice, session) = await JoinedAsync();

        await Channel.DeleteAsync(_owner);

        await EndsAsync(session, alice);
    }

    [Fact]
    public async Task Ban_FromEverywhere_EndsTheSessionAndRefusesTheNext()
    {
        var (alice, session) = await JoinedAsync();

        await User(alice).BanAsync();

        await EndsAsync(session, alice);
        Assert.Equal(FaultCode.Forbidden, (await JoinAsync(alice)).Fault?.Code);
        await User(alice).UnbanAsync();
        Assert.Null((await JoinAsync(alice)).Fault);
    }

    [Fact]
    public async Task Leave_ASession_FreesItsPlace()
    {
        var (alice, session) = await JoinedAsync();

        Assert.Null((await session.LeaveAsync(alice)).Fault);

        Assert.Empty((await Room.GetSnapshotAsync()).Participants);
        Assert.Null(await User(alice).FindSessionAsync());
        Assert.Equal(FaultCode.NotFound, (await session.LeaveAsync(alice)).Fault?.Code);
    }

    [Fact]
    public async Task Subscribe_InAChannel_TellsWhoIsThereAndThenWhatHappens()
    {
        var (alice, _) = await JoinedAsync();
        var seen = await SubscribeAsync(alice);
        var bob = Guid.NewGuid();

        var bobs = (await JoinAsync(bob)).Value!.Session;
        await Session(bobs.Id).LeaveAsync(bob);

        await Eventually.HoldsAsync(() => seen.Notices.OfType<VoiceChangedNotice>().Count(n => n.Participant.UserId == bob) >= 2, "bob's coming and going");
        var state = Assert.IsType<VoiceStateNotice>(seen.Notices[0]);
        Assert.Equal([alice], state.Participants.Select(p => p.UserId));
        Assert.Equal(
            [VoiceChange.Created, VoiceChange.Ended], seen.Notices.OfType<VoiceChangedNotice>().Where(n => n.Participant.UserId == bob).Select(n => n.Change));
    }

    [Fact]
    public async Task Speaking_OfAParticipant_IsTold()
    {
        var (alice, session) = await JoinedAsync();
        var seen = await SubscribeAsync(alice);
        var participant = (await session.GetAsync(alice)).Value!.Id.ToString();

        await ReportAsync([new Speaker(participant, -20)]);
        await ReportAsync([]);

        await Eventually.HoldsAsync(() => seen.Notices.OfType<VoiceSpeakingNotice>().Count() == 2, "start and stop");
        Assert.Equal([true, false], seen.Notices.OfType<VoiceSpeakingNotice>().Select(n => n.IsSpeaking));
    }

    private InMemoryRoom Hosted => new(cluster, ChannelInfo.RoomOf(_channel));

    private static MediaOffered Offer(params OfferedSection[] sections) => new("description", "fragment", "certificate", sections);

    private static OfferedSection Both(string mid) => new(mid, $"send {mid}", $"receive {mid}");

    private static OfferedSection Receive(string mid) => new(mid, null, $"receive {mid}");

    private IVoiceUserGrain User(Guid id) => cluster.Grains.GetGrain<IVoiceUserGrain>(id);

    private IVoiceSessionGrain Session(Guid id) => cluster.Grains.GetGrain<IVoiceSessionGrain>(id);

    private static JoinVoice Request(Guid userId, Guid channelId, bool muted = false) =>
        new(Guid.NewGuid(), userId, channelId, "someone", muted, false, "\"someone\"");

    private async Task CreateChannelAsync(int? maxUsers = null) =>
        Assert.Null((await Channel.CreateAsync(new CreateChannel(_owner, "general", null, maxUsers))).Fault);

    private Task<Outcome<VoiceSessionJoined>> JoinAsync(Guid userId, bool muted = false) => User(userId).JoinAsync(Request(userId, _channel, muted));

    private async Task<(Guid User, IVoiceSessionGrain Session)> JoinedAsync()
    {
        await CreateChannelAsync();
        var user = Guid.NewGuid();
        var joined = await JoinAsync(user);
        Assert.Null(joined.Fault);
        return (user, Session(joined.Value!.Session.Id));
    }

    private async Task<RecordingVoice> SubscribeAsync(Guid userId)
    {
        RecordingVoice seen = new();
        seen.Reference = cluster.Grains.CreateObjectReference<IVoiceObserver>(seen);
        await User(userId).SubscribeAsync(Guid.NewGuid(), seen.Reference);
        await Eventually.HoldsAsync(() => seen.Notices.Length > 0, "the state is told");
        return seen;
    }

    private static Task EndsAsync(IVoiceSessionGrain session, Guid user) =>
        Eventually.HoldsAsync(async () => (await session.GetAsync(user)).Fault?.Code == FaultCode.NotFound, "the session ends");

    private Task ReportClosedAsync(string transportId, bool wasSilent) =>
        ReportAsync(null, new TransportStateChange(transportId, MediaTransportState.Closed, wasSilent));

    private Task ReportAsync(Speaker[]? speakers, params TransportStateChange[] transports) =>
        Room.ReportAsync(new MediaReport(cluster.NodeId("first"), Hosted.Epoch, speakers, transports));
}
