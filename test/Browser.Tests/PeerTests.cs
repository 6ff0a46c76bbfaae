using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>Chromium's plain RTCPeerConnection as a peer, among peers and with mediasoup clients in the same room.</summary>
[Collection(ClusterGroup.Name)]
public sealed class PeerTests(ClusterFixture cluster)
{
    private static int _joined;

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

    private async Task<PeerClient> JoinAsync(HarnessPage page, int toneHz, bool socket = false, bool video = false)
    {
        var key = $"peer{Interlocked.Increment(ref _joined)}";
        PeerClient client = new(page, key);
        await page.CallAsync("peerJoin", key, new Dictionary<string, object>
        {
            ["server"] = page.Server,
            ["room"] = _room,
            ["peer"] = $"{key}-{Guid.NewGuid():N}",
            ["toneHz"] = toneHz,
            ["socket"] = socket,
            ["video"] = video,
        });
        await page.WaitForAsync("peerIsConnected", [key], client.ReportAsync);
        return client;
    }

    private sealed record PeerClient(HarnessPage Page, string Key)
    {
        public Task HearsAsync(params int[] tones) => WaitAsync("peerHears", Key, tones);

        public Task HearsApartAsync(params int[] tones) => WaitAsync("peerHearsApart", Key, tones);

        public Task SeesAsync(int pictures) => WaitAsync("peerSees", Key, pictures);

        public Task<int[]> EverHeardAsync(params int[] tones) => Page.CallAsync<int[]>("peerEverHeard", Key, tones);

        public Task<string[]> SourcesAsync() => Page.CallAsync<string[]>("peerSources", Key);

        public Task CloseSocketAsync() => Page.CallAsync("peerCloseSocket", Key);

        public Task<JsonElement> ReportAsync() => Page.CallAsync<JsonElement>("peerReport", Key);

        private Task WaitAsync(string function, params object[] arguments) => Page.WaitForAsync(function, arguments, ReportAsync);
    }
}
