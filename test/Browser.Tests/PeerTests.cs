namespace VoiceCluster.Browser.Tests;

/// <summary>Chromium's plain RTCPeerConnection as a peer, among peers and with mediasoup clients in the same room.</summary>
[Collection(ClusterGroup.Name)]
public sealed class PeerTests(ClusterFixture cluster)
{
    private readonly string _room = $"peers-{Guid.NewGuid():N}";

    [Fact]
    public async Task Room_OfAPeerAndAMediasoupClient_EachHearsTheOther()
    {
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        var ada = await first.JoinAsync(_room, 440);
        var bob = await JoinAsync(second, 880);

        await ada.HearsExactlyAsync(880);
        await bob.HearsAsync(440);
        Assert.Equal(["mix"], await bob.SourcesAsync());
        Assert.Empty(await bob.EverHeardAsync(880));
    }

    [Fact]
    public async Task Peer_WithItsSocket_IsOfferedEachTrackThatComes()
    {
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        var bob = await JoinAsync(second, 880, socket: true);
        var ada = await first.JoinAsync(_room, 440);
        await bob.HearsApartAsync(440);

        await first.JoinAsync(_room, 1300);
        await bob.HearsApartAsync(440, 1300);
        await ada.HearsExactlyAsync(880, 1300);

        await ada.LeaveAsync();
        await bob.HearsApartAsync(1300);
        Assert.Empty(await bob.EverHeardAsync(880));
    }

    [Fact]
    public async Task Peer_WhoseSocketGoes_HearsTheMix()
    {
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        await first.JoinAsync(_room, 440);
        var bob = await JoinAsync(second, 880, socket: true);
        await bob.HearsApartAsync(440);

        await bob.CloseSocketAsync();
        await first.JoinAsync(_room, 1300);

        await bob.HearsAsync(440, 1300);
    }

    [Fact]
    public async Task Peers_WithVideo_SeeEachOther()
    {
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        var ada = await JoinAsync(first, 440, socket: true, video: true);
        var bob = await JoinAsync(second, 880, socket: true, video: true);

        await ada.SeesAsync(1);
        await bob.SeesAsync(1);
        await ada.HearsApartAsync(880);
        await bob.HearsApartAsync(440);
    }

    private Task<PeerClient> JoinAsync(HarnessPage page, int toneHz, bool socket = false, bool video = false) =>
        page.JoinPeerAsync(_room, toneHz, socket, video);
}
