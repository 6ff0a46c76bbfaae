namespace VoiceCluster.ApiFrontend.Tests.Voice;

public sealed class VoiceWithoutOpusTests(VoiceApp app) : IClassFixture<VoiceApp>
{
    [Fact]
    public async Task Offer_OfOneSectionWithoutAMixer_IsNotImplementedAndSlotsStillWork()
    {
        app.Node.HasNoMix = true;
        var alice = await app.UserAsync();
        var session = await alice.JoinAsync(await alice.ChannelAsync());

        var (status, body) = await alice.OfferAsync(session, VoiceOffers.Of("sendrecv"));

        Assert.Equal((501, "NOT_SUPPORTED"), (status, body.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal(200, (await alice.OfferAsync(session, VoiceOffers.Of("sendrecv", "recvonly"))).Status);
    }
}
