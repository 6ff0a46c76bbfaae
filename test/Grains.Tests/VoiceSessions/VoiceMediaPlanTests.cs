using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.Grains.VoiceSessions;

namespace VoiceCluster.Grains.Tests.VoiceSessions;

public sealed class VoiceMediaPlanTests
{
    private static readonly OfferedSection Both = new("0", "send", "receive");
    private static readonly OfferedSection SendOnly = new("0", "send", null);

    [Fact]
    public void Sources_OneReceivingSection_IsTheMix()
    {
        Assert.Equal(ConsumerSource.Mix, VoiceMediaPlan.Sources([Both])["0"]);
        Assert.Equal([("1", ConsumerSource.Mix)], Pairs([SendOnly, Receive("1")]));
    }

    [Fact]
    public void Sources_MoreThatOnlyReceive_AreSlotsAndTheFirstOnlySends() => Assert.Equal(
        [("1", ConsumerSource.Loudest), ("2", ConsumerSource.Loudest)], Pairs([Both, Receive("1"), Receive("2")]));

    [Fact]
    public void Sources_SeveralThatDoBoth_AreSlotsButTheFirst() => Assert.Equal(
        [("1", ConsumerSource.Loudest), ("2", ConsumerSource.Loudest)], Pairs([Both, Both with { Mid = "1" }, Both with { Mid = "2" }]));

    [Fact]
    public void Sources_NoReceivingSection_IsNothing() => Assert.Empty(Pairs([SendOnly]));

    [Fact]
    public void Target_TheSameOffer_KeepsEverything()
    {
        List<VoiceSection> current = [new("0", "send", "p", "receive", ConsumerSource.Mix, "c", "sent")];

        var target = VoiceMediaPlan.Target(current, [Both]);

        Assert.Equal(current, target);
        var (producers, consumers) = VoiceMediaPlan.Gone(current, target);
        Assert.Empty(producers);
        Assert.Empty(consumers);
    }

    [Fact]
    public void Target_SlotsInsteadOfTheMix_ReplacesTheConsumerAndKeepsTheVoice()
    {
        List<VoiceSection> current = [new("0", "send", "p", "receive", ConsumerSource.Mix, "c", "sent")];

        var target = VoiceMediaPlan.Target(current, [Both, Receive("1")]);

        Assert.Equal(
            [new VoiceSection("0", "send", "p", null, null, null, null), new VoiceSection("1", null, null, "receive", ConsumerSource.Loudest, null, null)],
            target);
        var (producers, consumers) = VoiceMediaPlan.Gone(current, target);
        Assert.Empty(producers);
        Assert.Equal(["c"], consumers);
    }

    [Fact]
    public void Target_OtherParameters_MakesAnew()
    {
        List<VoiceSection> current = [new("0", "old", "p", "old", ConsumerSource.Mix, "c", "sent")];

        var target = VoiceMediaPlan.Target(current, [Both]);

        Assert.Equal([new VoiceSection("0", "send", null, "receive", ConsumerSource.Mix, null, null)], target);
        var (producers, consumers) = VoiceMediaPlan.Gone(current, target);
        Assert.Equal(["p"], producers);
        Assert.Equal(["c"], consumers);
    }

    [Fact]
    public void Target_ARemovedTrack_EndsItsProducer()
    {
        List<VoiceSection> current = [new("0", "send", "p", "receive", ConsumerSource.Mix, "c", "sent")];

        var target = VoiceMediaPlan.Target(current, [new OfferedSection("0", null, "receive")]);

        Assert.Equal(["p"], VoiceMediaPlan.Gone(current, target).Producers);
        Assert.Equal("c", target.Single().ConsumerId);
        Assert.Empty(VoiceMediaPlan.Target(current, [new OfferedSection("0", null, null)]));
    }

    [Theory]
    [InlineData(false, "d", "u", "f", TransportStep.Connect)]
    [InlineData(true, "d", "u", "f", TransportStep.Keep)]
    [InlineData(true, "d2", "u", "f", TransportStep.Keep)]
    [InlineData(true, "d", "u2", "f", TransportStep.RestartIce)]
    [InlineData(true, "d2", "u2", "f", TransportStep.Replace)]
    [InlineData(true, "d", "u", "f2", TransportStep.Replace)]
    public void Transport_ByWhatChanged_IsKeptRestartedOrReplaced(bool isConnected, string description, string fragment, string dtls, TransportStep step)
    {
        VoiceMedia media = new() { TransportId = "t", IsConnected = isConnected, Description = "d", IceUsernameFragment = "u", DtlsParametersJson = "f" };

        Assert.Equal(step, VoiceMediaPlan.Transport(media, new MediaOffered(description, fragment, dtls, [])));
    }

    [Fact]
    public void Transport_LostWithItsNode_IsReplaced() =>
        Assert.Equal(TransportStep.Replace, VoiceMediaPlan.Transport(new VoiceMedia(), new MediaOffered("d", "u", "f", [])));

    private static OfferedSection Receive(string mid) => new(mid, null, "receive");

    private static IEnumerable<(string Mid, ConsumerSource Source)> Pairs(OfferedSection[] sections) =>
        VoiceMediaPlan.Sources(sections).Select(s => (s.Key, s.Value));
}
